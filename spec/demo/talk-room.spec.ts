import { expect } from "chai";
import { createRuntime, MemoryLayer } from "greenroom";
import { type Communicator, communicateWith } from "greenroom/testing";
import { SimulatedClock } from "xstate";
import { TalkRoom } from "../../demo/consumers/talk.ts";

/** Forgets every text that arrives, and takes a name of its member for a gap. */
class Lossy extends TalkRoom {
  static override readonly on = { ...TalkRoom.on, said() {} };
  static override readonly frames = {
    ...TalkRoom.frames,
    async rename(this: TalkRoom, { name }: { name: string }) {
      await this.onGap();
      return { name };
    },
  };
}

describe("TalkRoom", () => {
  const clock = new SimulatedClock();
  const open: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const runtime of open.splice(0)) await runtime.close();
  });

  function start(Room: typeof TalkRoom = TalkRoom) {
    const rooms = new MemoryLayer();
    const runtime = createRuntime({ layers: { rooms, chat: new MemoryLayer() }, control: "chat", clock });
    runtime.route(Room);
    open.push(runtime);
    const join = async () => {
      const client = communicateWith(runtime, "/ws/talk/stage");
      await client.connect();
      return { client, welcome: await next(client, "welcome") };
    };
    return { runtime, join };
  }

  async function next(client: Communicator, type: string): Promise<{ readonly [key: string]: unknown }> {
    for (;;) {
      const frame = (await client.receiveJson()) as { readonly type: string };
      if (frame.type === type) return frame;
    }
  }

  it("ends the typing of a member 5 s after its last notice", async () => {
    const { join } = start();
    const ada = await join();
    const ben = await join();
    const type = async (on: boolean) => {
      ada.client.sendJson({ type: "typing", on });
      expect(await next(ben.client, "typing")).to.include({ key: ada.welcome.key, on });
    };
    await type(true);
    clock.increment(4_999);
    await type(true);
    clock.increment(4_999);
    await ben.client.receiveNothing();
    clock.increment(1);
    expect(await next(ben.client, "typing")).to.include({ key: ada.welcome.key, on: false });
    await type(true);
    await type(false);
    clock.increment(5_000);
    await ben.client.receiveNothing();
  });

  it("sends the texts that a gap has lost, once", async () => {
    const { join } = start(Lossy);
    const { client } = await join();
    for (const texts of [["one", "two"], [], ["three"]]) {
      for (const text of texts) client.sendJson({ type: "say", text });
      await client.receiveNothing();
      client.sendJson({ type: "rename", id: 1, name: "a gap" });
      for (const text of texts) expect(await client.receiveJson()).to.include({ type: "said", text });
      expect(await client.receiveJson()).to.include({ type: "greenroom.reply" });
    }
  });

  it("leaves out messages of the history that are not texts", async () => {
    const { runtime, join } = start();
    for (const message of [
      { type: "said" },
      { type: "other" },
      { type: "said", key: "k", name: "n", text: "t", at: 1 },
    ])
      await runtime.layers.rooms.groupSend("talk_stage", message);
    expect((await join()).welcome.last).to.deep.equal([{ key: "k", name: "n", text: "t", at: 1 }]);
  });
});
