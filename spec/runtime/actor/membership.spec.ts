import { once } from "node:events";
import type { Socket } from "node:net";
import { expect } from "chai";
import { ChannelLayer, type Inbox, MemoryBus, MemoryLayer, WebSocketConsumer } from "greenroom";
import { MemoryBackend } from "../../../layers/memory/memory-backend.ts";
import { Client } from "../../support/client.ts";
import { type Gate, gate } from "../../support/gate.ts";
import { serve, stopServing } from "../../support/serving.ts";

/** A layer that creates a channel when the spec allows it, and lists the channels left. */
class SlowLayer extends ChannelLayer {
  readonly asked = gate();
  readonly making: Gate = gate();
  readonly channels = new Set<string>();

  constructor() {
    super(new MemoryBackend(new MemoryBus(), "slow"), { prefix: "slow" });
  }

  override async newChannel(inbox: Inbox): Promise<string> {
    this.asked.open();
    await this.making.opened;
    const channel = await super.newChannel(inbox);
    this.channels.add(channel);
    return channel;
  }

  override async deleteChannel(channel: string): Promise<void> {
    this.channels.delete(channel);
    await super.deleteChannel(channel);
  }
}

describe("Membership", () => {
  afterEach(stopServing);

  for (const [when, handlerGraceMs] of [
    ["in time", 60_000],
    ["after handlerGraceMs", 1],
  ] as const) {
    it(`leaves no channel and no consumer if the client goes during its creation, ${when}`, async () => {
      let constructed = 0;
      class Member extends WebSocketConsumer {
        static override readonly layer = "slow";
        readonly number = constructed++;
      }
      const slow = new SlowLayer();
      const { runtime, url, server } = await serve({
        layers: { slow, other: new MemoryLayer() },
        control: "other",
        handlerGraceMs,
        onError: () => {},
      });
      runtime.route("/ws", Member);
      const connected = once(server, "connection");
      const client = new Client(`${url}/ws`);
      const [socket] = (await connected) as [Socket];
      await slow.asked.opened;
      client.websocket.terminate();
      await once(socket, "close");
      if (handlerGraceMs === 1) while (runtime.size > 0) await new Promise(setImmediate);
      slow.making.open();
      while (runtime.size > 0) await new Promise(setImmediate);
      await new Promise(setImmediate);
      expect([slow.channels.size, constructed]).to.deep.equal([0, 0]);
    });
  }

  it("ends without an error if its layer is already closed", async () => {
    class Member extends WebSocketConsumer {
      static override readonly layer = "slow";
    }
    const slow = new SlowLayer();
    slow.making.open();
    const { runtime, failures } = await serve({ layers: { slow } });
    const actor = await runtime.spawn(Member);
    await slow.close();
    await actor.stop();
    expect(failures).to.deep.equal([]);
  });
});
