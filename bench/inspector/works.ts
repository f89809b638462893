import { setImmediate as turn } from "node:timers/promises";
import { type ConsumerClass, createRuntime, handlers, type Runtime, WebSocketConsumer } from "greenroom";
import { Counter, Machine, mail, type Notes, OpenLayer } from "../actors/messaging.ts";
import { cpuOf } from "../measure.ts";
import type { Figures } from "../results.ts";
import { type RowName, rows } from "./rows.ts";

/** A runtime whose layer gives what it would call for each message. */
type Bench = Runtime<{ notes: OpenLayer }>;

/** Gets ready for what is to be measured: that is called with how many are to be done. */
type Work = (runtime: Bench) => Promise<(count: number) => Promise<void>>;

/** After so many at most there is a new turn of the event loop, so that whoever looks is told of it. */
const atOnce = 1_000;

class Plain extends WebSocketConsumer {}

const spawning: Work = async (runtime) => async (count) => {
  for (let done = 0; done < count; done += atOnce) {
    const actors = [];
    for (let index = 0; index < atOnce; index += 1) actors.push(await runtime.spawn(Plain));
    await turn();
    for (const actor of actors) await actor.stop();
    await turn();
  }
};

const handling =
  (Consumer: ConsumerClass): Work =>
  async (runtime) => {
    await runtime.spawn(Consumer as ConsumerClass & { readonly layer: "notes" });
    const { inbox } = runtime.layers.notes;
    if (inbox === undefined) throw new Error("The layer has given nobody a channel.");
    return async (count) => {
      for (let done = 0; done < count; done += atOnce) {
        for (let index = 0; index < atOnce; index += 1) inbox.deliver(mail);
        await turn();
      }
    };
  };

const delivering: Work = async (runtime) => {
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

/** What is done, and how often in a measurement: as often as it takes to see something. */
export const works = {
  spawning: { work: spawning, count: 10_000 },
  handling: { work: handling(Counter), count: 2_000_000 },
  delivering: { work: delivering, count: 500_000 },
  moving: { work: handling(Machine), count: 100_000 },
} satisfies Record<string, { readonly work: Work; readonly count: number }>;

export type WorkName = keyof typeof works;

/** The least of several in a row counts: what else the machine does only adds to it. */
const repetitions = 5;

/** CPU in µs for each, the least of several in one process. */
export async function measureWork(name: WorkName, row: RowName, count: number): Promise<Figures> {
  const runtime = createRuntime({ layers: { notes: new OpenLayer() } });
  const end = await rows[row](runtime);
  const run = await works[name].work(runtime);
  await run(count);
  let least = Number.POSITIVE_INFINITY;
  for (let time = 0; time < repetitions; time += 1) least = Math.min(least, await cpuOf(() => run(count)));
  const { overflow, closing } = runtime.counters().dropped;
  if (overflow + closing > 0) throw new Error("Not all of them were handled.");
  await end();
  await runtime.close();
  return { each: least / count };
}
