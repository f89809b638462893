import { expect } from "chai";
import { contractConsumer, frames, handlers, relay } from "greenroom";
import { contract } from "greenroom/contract";
import { z } from "zod";
import { Client } from "../support/client.ts";
import { inspectRuntime } from "../support/inspector-runtime.ts";
import { stopServing } from "../support/serving.ts";

const room = contract({
  path: "/ws/room",
  client: { say: z.object({ text: z.string() }), ask: { payload: z.object({}), reply: z.number() } },
  server: { said: z.object({ text: z.string() }) },
});

class Room extends contractConsumer(room)<{ messages: { said: { text: string } } }> {
  static override readonly layer = "chat";
  static override readonly on = handlers<Room>({ said: relay });
  static override readonly frames = frames<Room>({
    say: ({ text }) => text,
    ask: () => 42,
  });
  override async connect() {
    await this.accept();
    await this.groupAdd("room");
    this.send("said", { text: "in" });
  }
}

describe("The inspector of a consumer with a contract", () => {
  afterEach(stopServing);

  it("shows its refused frames, the answers to them, replies and relays, with payloads", async () => {
    const { page, runtime, url } = await inspectRuntime({ payloads: true });
    runtime.route(Room);
    const client = await Client.open(`${url}/ws/room`);
    await client.next();
    const [row] = (await page.list()).rows;
    await page.open(row?.id ?? "");
    page.ask({ type: "payloads", shown: true });
    await page.list();
    /** The entries that the page shows until the actor has sent a frame. */
    const shown = async () => {
      const entries = await page.entriesUntil(({ kind }) => kind === "sent");
      // A refused frame is also a failure, but only some of them are reported.
      const own = entries.filter(({ kind }) => kind !== "failed");
      return own.map(({ from, to, kind, payload }) => `${from}→${to} ${kind} ${payload}`);
    };
    const answers: readonly [string, RegExp][] = [
      ['{"type":"say","text":5}', /^{"type":"greenroom.error","code":"greenroom.invalid",/],
      ["{", /^{"type":"greenroom.error","code":"greenroom.bad_json",/],
      ['{"type":"ask","id":1}', /^{"type":"greenroom.reply","id":1,"value":42}$/],
    ];
    for (const [text, answer] of answers) {
      client.send(text);
      const [frame, sent = "", ...more] = await shown();
      expect(frame).to.equal(`client→actor frame ${text}`);
      expect(sent.replace("actor→client sent ", "")).to.match(answer);
      expect(more).to.deep.equal([]);
    }
    await runtime.layers.chat.groupSend("room", { type: "said", text: "relayed" });
    expect(await shown()).to.deep.equal([
      "layer→actor message { type: 'said', text: 'relayed' }",
      'actor→client sent {"type":"said","text":"relayed"}',
    ]);
  });
});
