import { expect } from "chai";
import { createRuntime, MemoryBus, MemoryLayer } from "greenroom";
import { SimulatedClock } from "xstate";
import {
  ReliableChat,
  type ReliableMessages,
  reliableGroup,
} from "../../demo/consumers/showcase/reliable.ts";

describe("ReliableChat", () => {
  it("tells the offset from which it continues in a new history, and counts from there", async () => {
    const clock = new SimulatedClock();
    const queue = new MemoryLayer<ReliableMessages>({ bus: new MemoryBus({ clock, expiryMs: 50 }) });
    const runtime = createRuntime({ layers: { queue } });
    const say = (message: string) =>
      queue.groupSend(reliableGroup, { type: "reliable_chat_message", message });
    const actor = await runtime.spawn(ReliableChat, { query: new URLSearchParams("since=0") });
    const next = async () => (await actor.outgoing.next()).value;
    expect(await next()).to.equal("🔒 Reliable chat connection established!");
    await say("one");
    expect(await next()).to.equal("one");
    clock.increment(50);
    for (const text of ["two", "three", "four"]) await say(text);
    expect([await next(), await next(), await next(), await next()]).to.deep.equal([
      "⚠️ Messages are missing here. On from 0.",
      "two",
      "three",
      "four",
    ]);
    await runtime.close();
  });
});
