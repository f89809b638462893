import { type CounterContext, type MirrorContext, mirrorEvery } from "./machines.ts";
import type { Sender } from "./sender.ts";

/** The comparison of the counters with what their senders know. */
export interface Account {
  readonly acked: number;
  /** The increments that the counters have. */
  readonly taken: number;
  /** The acknowledged increments that the counters lack, by the name of the sender. */
  readonly lost: ReadonlyMap<string, number>;
  /** Increments that arrived twice, out of order, or although the sender was told that they were not stored. */
  readonly wrong: readonly string[];
}

/** @param counters by the index of the key, as `mirrors` are. Undefined for one that does not exist. */
export function compare(
  senders: readonly Sender[],
  counters: readonly (CounterContext | undefined)[],
  mirrors: readonly (MirrorContext | undefined)[],
): Account {
  const wrong: string[] = [];
  const lost = new Map<string, number>();
  let acked = 0;
  let taken = 0;
  for (const [index, counter] of counters.entries()) {
    taken += counter?.taken ?? 0;
    const at = `key ${index}: `;
    wrong.push(...(counter?.wrong ?? []).map((text) => at + text));
    wrong.push(...wrongMirror(mirrors[index], counter).map((text) => at + text));
    for (const sender of senders) {
      const sent = sender.sent.get(index);
      if (sent === undefined) continue;
      const missing = missingOf(sender.name, sent.acked, counter);
      const isAcked = (n: number) => n <= sent.acked && !sent.unknown.has(n) && !sent.refused.has(n);
      const missed = [...missing].filter(isAcked).length;
      if (missed > 0) lost.set(sender.name, (lost.get(sender.name) ?? 0) + missed);
      for (let n = 1; n <= sent.acked; n += 1) acked += isAcked(n) ? 1 : 0;
      const last = counter?.last[sender.name] ?? 0;
      for (const n of sent.refused)
        if (n <= last && !missing.has(n)) wrong.push(`${at}${sender.name}: ${n} was stored, but refused`);
    }
  }
  return { acked, taken, lost, wrong };
}

/** The numbers up to `end` that a counter has not received from a sender. */
function missingOf(name: string, end: number, counter: CounterContext | undefined): Set<number> {
  const last = counter?.last[name] ?? 0;
  const gaps = (counter?.gaps ?? []).filter(([from]) => from === name);
  const missing = new Set<number>();
  for (const [, first, final] of [...gaps, [name, last + 1, end] as const])
    for (let n = first; n <= final; n += 1) missing.add(n);
  return missing;
}

function wrongMirror(
  mirror: MirrorContext | undefined,
  counter: CounterContext | undefined,
): readonly string[] {
  const told = Math.floor((counter?.taken ?? 0) / mirrorEvery) * mirrorEvery;
  const count = mirror?.count ?? 0;
  return [...(mirror?.wrong ?? []), ...(count === told ? [] : [`the mirror has ${count}, not ${told}`])];
}
