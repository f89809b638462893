import type { NamedCounts } from "../named/context.ts";
import type { Kind } from "../named/kind.ts";
import type { NamedKinds } from "../named/named-kinds.ts";
import { counter, type Definition, gauge } from "./scraped-metric.ts";

/** The metrics of named actors, by kind. Nothing is read from the store. */
export function namedMetrics(kinds: Pick<NamedKinds, "all">): Definition[] {
  const byKind = (read: (kind: Kind) => number) => () =>
    kinds.all.map((kind) => ({ labels: { kind: kind.kind }, value: read(kind) }));
  const total = (figure: keyof NamedCounts) => byKind(({ counts }) => counts[figure]);
  return [
    // A process that only calls a kind may be the only one that Prometheus knows, so it tells no partitions.
    gauge("named_partitions", "Partitions of kinds that this node can run", () =>
      kinds.all
        .filter(({ machine }) => machine !== undefined)
        .map(({ kind, partitions }) => ({ labels: { kind }, value: partitions })),
    ),
    gauge(
      "named_partitions_owned",
      "Partitions that this node owns",
      byKind(({ owned }) => owned.size),
    ),
    gauge(
      "named_active",
      "Named actors in the memory of this node",
      byKind(({ active }) => active),
    ),
    counter("named_steps_total", "Steps of named actors", total("steps")),
    counter("named_failed_total", "Failed steps, those that were tried again included", total("failed")),
    counter("named_dead_total", "Messages, delays and effects that were set aside", total("dead")),
    counter("named_parked_total", "Times that a named actor was parked", total("parked")),
    counter("named_rolled_back_total", "Committed steps that the store had lost", total("rolledBack")),
    counter("named_lost_total", "Stored messages that the store had lost", total("lost")),
    counter("named_full_total", "Messages that a full mailbox has refused", total("full")),
  ];
}
