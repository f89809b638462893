import type { AnyActorRef } from "xstate";
import type { Observed } from "../../runtime/inspection-hooks.ts";
import type { ConsumerIndex, KnownConsumer } from "../activity/consumer-index.ts";
import { nodesOf } from "../activity/states.ts";
import type { Census, MachineKind } from "../protocol.ts";

/** How many actors are in which state. */
export function takeCensus(actors: Iterable<Observed>, consumers: ConsumerIndex): Record<string, Census> {
  const counts = new Map<KnownConsumer, Count>();
  for (const actor of actors) {
    const known = consumers.of(actor.Consumer);
    let count = counts.get(known);
    if (count === undefined) {
      count = new Count(known);
      counts.set(known, count);
    }
    count.add(actor);
  }
  return Object.fromEntries([...counts].map(([{ id }, count]) => [id, count.result]));
}

/** The actors of one consumer. */
class Count {
  readonly #known: KnownConsumer;
  readonly #nodes = { connection: new Map<string, number>(), own: new Map<string, number>() };
  #total = 0;

  constructor(known: KnownConsumer) {
    this.#known = known;
  }

  add({ machine, machineActor }: Observed): void {
    this.#total += 1;
    countNodes(machine, this.#nodes.connection);
    if (machineActor !== undefined) countNodes(machineActor, this.#nodes.own);
  }

  get result(): Census {
    return { total: this.#total, connection: this.#marked("connection"), own: this.#marked("own") };
  }

  /** Those that are drawn. */
  #marked(kind: MachineKind): Record<string, number> {
    const machine = this.#known.machines.get(kind);
    const counts = [...this.#nodes[kind]].flatMap(([id, count]) => {
      const mark = machine?.markOfState(id);
      return mark === undefined ? [] : [[mark, count] as const];
    });
    return Object.fromEntries(counts);
  }
}

/** A machine is in each of these: in those around its states, too. */
function countNodes(machine: AnyActorRef, counts: Map<string, number>): void {
  for (const { id } of nodesOf(machine)) counts.set(id, (counts.get(id) ?? 0) + 1);
}
