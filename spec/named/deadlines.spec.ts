import { expect } from "chai";
import { assign, raise, setup } from "xstate";
import type { NamedMessageEvents } from "../../actors/named-actor.ts";
import { createRuntime } from "../../index.ts";
import { RedisStreamsLayer } from "../../layers/redis/index.ts";
import { until } from "../layers/support/until.ts";
import { redisUrl } from "../support/redis.ts";
import { newPrefix } from "./support/notes.ts";

const delayMs = 400;

/** Rings after a delay, and notes by the wall clock how late the ring is. */
const alarmMachine = setup({
  types: {
    context: {} as { readonly due: number; readonly late?: number },
    events: {} as NamedMessageEvents<{ set: object }> | { readonly type: "ring" },
  },
}).createMachine({
  id: "alarm",
  context: { due: 0 },
  on: {
    "message.set": {
      actions: [assign({ due: () => Date.now() + delayMs }), raise({ type: "ring" }, { delay: delayMs })],
    },
    ring: { actions: assign({ late: ({ context }) => Date.now() - context.due }) },
  },
});

describe("A delay of a named actor", () => {
  it("does not end early in a busy process, in which replies of the store wait", async () => {
    const layer = new RedisStreamsLayer({ url: redisUrl(), prefix: newPrefix(), onError() {} });
    const runtime = createRuntime({ layers: { state: layer }, onError() {} });
    const alarms = runtime.named("alarm", alarmMachine, { partitions: 1, view: ({ context }) => context });
    await runtime.ready();
    const busy = setInterval(() => {
      for (const end = performance.now() + 100; performance.now() < end; );
    }, 1);
    const alarm = alarms.get("a");
    await alarm.send({ type: "set" });
    await until(async () => (await alarm.view()) !== undefined);
    clearInterval(busy);
    // This turn has a prompt reply.
    await alarms.get("b").send({ type: "set" });
    await until(async () => (await alarm.view())?.late !== undefined);
    // Redis counts in whole milliseconds.
    expect((await alarm.view())?.late).to.be.at.least(-2);
    await runtime.close();
  });
});
