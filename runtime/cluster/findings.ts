import type { GroupAnswers, Tally } from "../../actors/index.ts";
import type { GatherResult } from "./scatter-gather.ts";
import { readChannel, readCount, readFields, readText } from "./untrusted.ts";

export function tallyOf({ said, missing }: GatherResult): Tally {
  const counts = said.map(({ entry }) => readCount(entry) ?? 0);
  return { count: counts.reduce((sum, count) => sum + count, 0), missing };
}

/** @param garbage called for each entry that makes no sense. */
export function answersOf({ said, missing }: GatherResult, garbage: () => void): GroupAnswers {
  const replies: { channel: string; node: string; value: unknown }[] = [];
  const failures: { channel: string; node: string; reason: string }[] = [];
  for (const { node, entry } of said) {
    const fields = readFields(entry);
    const channel = readChannel(fields?.channel);
    const reason = readText(fields?.failed);
    if (fields === undefined || channel === undefined) garbage();
    else if (reason === undefined) replies.push({ channel, node, value: fields.value });
    else failures.push({ channel, node, reason });
  }
  return { replies, failures, missing };
}
