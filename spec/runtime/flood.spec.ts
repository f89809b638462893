import { expect } from "chai";
import { handlers, WebSocketConsumer } from "greenroom";
import { until } from "../layers/support/until.ts";
import { Client } from "../support/client.ts";
import { destroyRawWebSockets, RawWebSocket } from "../support/raw-websocket.ts";
import { chat, serve, stopServing } from "../support/serving.ts";
import { encodeTexts } from "./support/readers.ts";

const echoes = 20;
/** The flooders are not done when the bystander has received this many echoes. */
const firstEchoes = 4;
/** One frame in this many is sent to the room. */
const perMessage = 50;

/** Frames of one byte. */
const digits = (count: number) => Array.from({ length: count }, (_, n) => `${n % 10}`);

describe("A runtime, flooded with frames,", () => {
  afterEach(async () => {
    await destroyRawWebSockets();
    await stopServing();
  });

  for (const [count, frames] of [
    [1, 3_000],
    [5, 3_000],
    [20, 3_000],
    [100, 600],
  ] as const) {
    it(`serves a bystander while ${count} clients send as fast as they can`, async () => {
      let handled = 0;
      let delivered = 0;
      const heard = new Map<string, string[]>();
      class Flooder extends WebSocketConsumer<{ messages: { note: object } }> {
        static override readonly layer = "chat";
        static override readonly on = handlers<Flooder>({
          note() {
            delivered += 1;
          },
        });
        override async connect() {
          await this.accept();
          await this.groupAdd("flood");
          heard.set(this.channel, []);
        }
        override receive(text: string) {
          handled += 1;
          const mine = heard.get(this.channel) ?? [];
          mine.push(text);
          if (mine.length % perMessage === 0) void this.groupSend("flood", { type: "note" });
        }
      }
      class Bystander extends WebSocketConsumer<{ messages: { echo: { text: string } } }> {
        static override readonly layer = "chat";
        static override readonly on = handlers<Bystander>({
          echo({ text }) {
            this.send(text);
          },
        });
        override async connect() {
          await this.accept();
          await this.groupAdd("quiet");
          this.send("joined");
        }
        override receive(text: string) {
          return this.groupSend("quiet", { type: "echo", text });
        }
      }
      const { runtime, url, failures } = await serve({ layers: chat() });
      runtime.route("/flood", Flooder);
      runtime.route("/quiet", Bystander);
      const flooders: RawWebSocket[] = [];
      while (flooders.length < count) flooders.push(await RawWebSocket.open(`${url}/flood`));
      const bystander = await Client.open(`${url}/quiet`);
      expect(await bystander.next()).to.equal("joined");
      await until(() => heard.size === count);

      const total = count * frames;
      const flood = encodeTexts(digits(frames));
      for (const { socket } of flooders) socket.write(flood);
      const handledAtEcho: number[] = [];
      for (let echo = 0; echo < echoes; echo += 1) {
        bystander.send(`echo ${echo}`);
        expect(await bystander.next()).to.equal(`echo ${echo}`);
        handledAtEcho.push(handled);
      }
      for (const atEcho of handledAtEcho.slice(0, firstEchoes)) expect(atEcho).to.be.below(total);
      expect(handledAtEcho.at(-1)).to.be.above(0);

      const messages = (total / perMessage) * count;
      await until(() => handled === total && delivered === messages);
      for (const mine of heard.values()) expect(mine.join("")).to.equal(digits(frames).join(""));
      expect(runtime.counters().dropped.overflow).to.equal(0);
      expect(failures).to.deep.equal([]);
    });
  }

  it("keeps all members of a room, if each of them sends to it as fast as it can", async () => {
    const [count, each] = [20, 500];
    let [joined, delivered] = [0, 0];
    class Member extends WebSocketConsumer<{ messages: { note: object } }> {
      static override readonly layer = "chat";
      static override readonly on = handlers<Member>({
        note() {
          delivered += 1;
        },
      });
      override async connect() {
        await this.accept();
        await this.groupAdd("flood");
        joined += 1;
      }
      override async receive() {
        await this.groupSend("flood", { type: "note" });
      }
    }
    const { runtime, url, failures } = await serve({ layers: chat() });
    runtime.route("/flood", Member);
    const members: RawWebSocket[] = [];
    while (members.length < count) members.push(await RawWebSocket.open(`${url}/flood`));
    await until(() => joined === count);
    const flood = encodeTexts(digits(each));
    for (const { socket } of members) socket.write(flood);
    await until(() => delivered === count * each * count || runtime.size < count);
    expect(runtime.counters().dropped.overflow).to.equal(0);
    expect(runtime.size).to.equal(count);
    expect(failures).to.deep.equal([]);
  });
});
