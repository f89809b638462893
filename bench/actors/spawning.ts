import { connectionMachine, createRuntime, MemoryLayer, machineConsumer, WebSocketConsumer } from "greenroom";
import { createActor, createMachine, fromTransition } from "xstate";
import { cpuOf } from "../harness/cpu.ts";
import { collectedMemory } from "../harness/memory.ts";
import type { Figures } from "../harness/results.ts";

interface Factory {
  spawn(count: number): Promise<void>;
  stop(): Promise<void>;
  close(): Promise<void>;
}

/** The control: bare connection machines, which pass through the same states as those of spawned actors. */
function bare(): Factory {
  const parent = createActor(fromTransition(() => undefined, undefined)).start();
  const effects = { cleanUp() {} };
  const make = () => createActor(connectionMachine, { parent, input: { effects } });
  let actors: ReturnType<typeof make>[] = [];
  return {
    async spawn(count) {
      for (let index = 0; index < count; index += 1) {
        const actor = make();
        actor.start();
        actor.send({ type: "accept" });
        actors.push(actor);
      }
    },
    async stop() {
      for (const actor of actors) {
        actor.send({ type: "lost", code: 1000, reason: "" });
        actor.send({ type: "cleaned" });
      }
      actors = [];
    },
    async close() {},
  };
}

/** @param atOnce the number of concurrent calls */
function ours(consumer: "plain" | "onLayer" | "machine", atOnce = 1): Factory {
  class Plain extends WebSocketConsumer {}
  class OnLayer extends WebSocketConsumer {
    static override readonly layer = "chat";
  }
  const Machine = machineConsumer(createMachine({ initial: "one", states: { one: {} } }));
  const runtime = createRuntime({ layers: { chat: new MemoryLayer() } });
  const make = {
    plain: () => runtime.spawn(Plain),
    onLayer: () => runtime.spawn(OnLayer),
    machine: () => runtime.spawn(Machine),
  }[consumer];
  let actors: Awaited<ReturnType<typeof make>>[] = [];
  return {
    async spawn(count) {
      for (let done = 0; done < count; done += atOnce) {
        if (atOnce === 1) actors.push(await make());
        else
          actors.push(...(await Promise.all(Array.from({ length: Math.min(atOnce, count - done) }, make))));
      }
    },
    async stop() {
      for (let done = 0; done < actors.length; done += atOnce) {
        if (atOnce === 1) await actors[done]?.stop();
        else await Promise.all(actors.slice(done, done + atOnce).map((actor) => actor.stop()));
      }
      actors = [];
    },
    close: () => runtime.close(),
  };
}

const factories = {
  bare,
  plain: () => ours("plain"),
  plainAtOnce: () => ours("plain", 1_000),
  onLayer: () => ours("onLayer"),
  machine: () => ours("machine"),
} satisfies Record<string, () => Factory>;

export type SpawningRow = keyof typeof factories;

/** At least this number of actors is spawned in all. If fewer exist at once, spawning is repeated. */
const total = 10_000;

/** Spawns and stops `count` actors, repeatedly. @returns microseconds of CPU and bytes of heap per actor */
export async function measureSpawning(name: SpawningRow, count: number): Promise<Figures> {
  const factory = factories[name]();
  const rounds = Math.max(1, Math.round(total / count));
  await factory.spawn(5_000);
  await factory.stop();
  const before = (await collectedMemory()).heapBytes;
  let [spawn, stop, heap] = [0, 0, 0];
  for (let round = 0; round < rounds; round += 1) {
    spawn += await cpuOf(() => factory.spawn(count));
    if (round === 0) heap = (await collectedMemory()).heapBytes - before;
    stop += await cpuOf(() => factory.stop());
  }
  await factory.close();
  const all = rounds * count;
  return { spawn: spawn / all, stop: stop / all, sum: (spawn + stop) / all, heap: heap / count };
}
