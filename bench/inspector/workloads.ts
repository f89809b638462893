import { setImmediate as turn } from "node:timers/promises";
import { type ConsumerClass, createRuntime, handlers, type Runtime, WebSocketConsumer } from "greenroom";
import { Counter, Machine, mail, type Notes, OpenLayer } from "../actors/messaging.ts";
import { cpuOf } from "../harness/cpu.ts";
import type { Figures } from "../harness/results.ts";
import { type InspectionRow, inspections } from "./inspected.ts";

/** A runtime whose layer exposes its inbox. */
type BenchRuntime = Runtime<{ notes: OpenLayer }>;

/** Prepares a workload. @returns the measured function, whose argument is the number of operations */
type Workload = (runtime: BenchRuntime) => Promise<(count: number) => Promise<void>>;

/** The number of operations in one turn of the event loop. The inspector can report only between turns. */
const atOnce = 1_000;

class Plain extends WebSocketConsumer {}

const spawning: Workload = async (runtime) => async (count) => {
  for (let done = 0; done < count; done += atOnce) {
    const actors = [];
    for (let index = 0; index < atOnce; index += 1) actors.push(await runtime.spawn(Plain));
    await turn();
    for (const actor of actors) await actor.stop();
    await turn();
  }
};

const handling =
  (Consumer: ConsumerClass): Workload =>
  async (runtime) => {
    await runtime.spawn(Consumer as ConsumerClass & { readonly layer: "notes" });
    const { inbox } = runtime.layers.notes;
    if (inbox === undefined) throw new Error("The actor has no channel on the layer.");
    return async (count) => {
      for (let done = 0; done < count; done += atOnce) {
        for (let index = 0; index < atOnce; index += 1) inbox.deliver(mail);
        await turn();
      }
    };
  };

const delivering: Workload = async (runtime) => {
  let heard = 0;
  class Crier extends WebSocketConsumer<{ messages: Notes }> {
    static override readonly layer = "notes";
    static override readonly on = handlers<Crier>({
      note() {
        heard += 1;
        this.send("a note");
      },
    });
    override connect() {
      return this.groupAdd("notes");
    }
  }
  for (let index = 0; index < atOnce; index += 1) await runtime.spawn(Crier);
  return async (count) => {
    const all = heard + count;
    while (heard < all) {
      const next = heard + atOnce;
      await runtime.layers.notes.groupSend("notes", { type: "note", by: 1 });
      while (heard < next) await turn();
    }
  };
};

/** The workloads, and for each the number of operations in a measurement. */
const workloads = {
  spawning: { start: spawning, count: 10_000 },
  handling: { start: handling(Counter), count: 2_000_000 },
  delivering: { start: delivering, count: 500_000 },
  moving: { start: handling(Machine), count: 100_000 },
} satisfies Record<string, { readonly start: Workload; readonly count: number }>;

export type WorkloadName = keyof typeof workloads;

/** The number of measurements. The result is the minimum, because other load only adds CPU time. */
const repetitions = 5;

/** Microseconds of CPU per operation. */
export async function measureWorkload(name: WorkloadName, row: InspectionRow): Promise<Figures> {
  const { start, count } = workloads[name];
  const runtime = createRuntime({ layers: { notes: new OpenLayer() } });
  const end = await inspections[row](runtime);
  const run = await start(runtime);
  await run(count);
  let least = Number.POSITIVE_INFINITY;
  for (let time = 0; time < repetitions; time += 1) least = Math.min(least, await cpuOf(() => run(count)));
  const { overflow, closing } = runtime.counters().dropped;
  if (overflow + closing > 0) throw new Error("Some messages were dropped.");
  await end();
  await runtime.close();
  return { each: least / count };
}
