import type { AnyActorRef } from "xstate";
import type { Observed } from "../../runtime/inspection-hooks.ts";
import type { ConsumerIndex, IndexedConsumer } from "../activity/consumer-index.ts";
import { nodesOf } from "../activity/states.ts";
import type { MachineKind, StateCounts } from "../protocol.ts";

/** Counts the actors in each state, by consumer id. */
export function countStates(
  actors: Iterable<Observed>,
  consumers: ConsumerIndex,
): Record<string, StateCounts> {
  const counts = new Map<IndexedConsumer, ConsumerCount>();
  for (const { Consumer, machine, machineActor } of actors) {
    const consumer = consumers.getOrAdd(Consumer);
    const count = counts.get(consumer) ?? { total: 0, connection: new Map(), own: new Map() };
    counts.set(consumer, count);
    count.total += 1;
    countNodes(machine, count.connection);
    if (machineActor !== undefined) countNodes(machineActor, count.own);
  }
  return Object.fromEntries(
    [...counts].map(([consumer, { total, connection, own }]) => [
      consumer.id,
      { total, connection: marked(consumer, "connection", connection), own: marked(consumer, "own", own) },
    ]),
  );
}

/** The keys of both maps are ids of states, because marks would need a look-up for each actor and state. */
interface ConsumerCount {
  total: number;
  readonly connection: Map<string, number>;
  readonly own: Map<string, number>;
}

function countNodes(machine: AnyActorRef, counts: Map<string, number>): void {
  for (const { id } of nodesOf(machine)) counts.set(id, (counts.get(id) ?? 0) + 1);
}

function marked(
  { machines }: IndexedConsumer,
  kind: MachineKind,
  counts: ReadonlyMap<string, number>,
): Record<string, number> {
  const machine = machines.get(kind);
  return Object.fromEntries(
    [...counts].flatMap(([id, count]) => {
      const mark = machine?.markOfState(id);
      return mark === undefined ? [] : [[mark, count]];
    }),
  );
}
