import { expect } from "chai";
import { WebSocketConsumer } from "greenroom";
import { controlText } from "../../../protocol/control-frames.ts";
import { until } from "../../layers/support/until.ts";
import { Client } from "../../support/client.ts";
import { RawClient } from "../../support/raw-client.ts";
import { encodeFrame, Opcode, upgradeRequest } from "../../support/raw-websocket.ts";
import { type Serving, serve, stopServing } from "../../support/serving.ts";
import { SessionClient } from "../support/session-client.ts";

const protocols = { "Sec-WebSocket-Protocol": "greenroom.v1, greenroom.resume" };

describe("Clients that resume sessions together", () => {
  let serving: Serving<Record<never, never>>;
  let resumedBefore: number;
  let session: string;
  let received: string[];

  beforeEach(async () => {
    received = [];
    class Filled extends WebSocketConsumer {
      override receive(text: string) {
        received.push(text);
        if (text === "fill") for (let index = 0; index < 2_000; index += 1) this.send(`frame ${index}`);
        else {
          resumedBefore = serving.runtime.counters().resumed;
          this.send(text);
        }
      }
    }
    serving = await serve({ layers: {} });
    serving.runtime.route("/ws", Filled);
    const client = await SessionClient.open(`${serving.url}/ws`);
    session = String((await client.nextControl()).session);
    client.send("fill");
    await until(() => received.length === 1);
  });
  afterEach(stopServing);

  const resume = (attempt: number) =>
    encodeFrame(Opcode.text, controlText({ c: "resume", session, try: attempt, got: 0 }));
  const open = async () => {
    const client = await RawClient.open(serving.url, upgradeRequest("/ws", protocols));
    await client.until(/101 Switching/);
    return client;
  };

  it("take turns with a client that sends a frame", async () => {
    const bystander = await Client.open(`${serving.url}/ws`);
    const clients = await Promise.all(Array.from({ length: 100 }, open));
    // All sockets become readable in the same turn of the event loop.
    for (const [index, { socket }] of clients.entries()) socket.write(resume(index + 1));
    bystander.send("echo");
    expect(await bystander.next()).to.equal("echo");
    expect(resumedBefore).to.be.below(50);
    await until(() => serving.runtime.counters().resumed === 100);
    for (const { socket } of clients) socket.destroy();
  });

  it("may send frames directly behind the first one", async () => {
    const { socket } = await open();
    socket.write(
      Buffer.concat([resume(1), encodeFrame(Opcode.text, "one"), encodeFrame(Opcode.text, "two")]),
    );
    await until(() => received.length === 3);
    expect(received).to.deep.equal(["fill", "one", "two"]);
    socket.destroy();
  });
});
