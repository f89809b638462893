import { setTimeout as pause } from "node:timers/promises";

/** How often a message is sent. */
export interface Repetition {
  /** Milliseconds from one message to the next. */
  readonly everyMs: number;
  /** The number of messages; may be infinite. */
  readonly count: number;
}

const once: Repetition = { everyMs: 0, count: 1 };
const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000 };

/**
 * Reads `--every` and `--count` at the start of `words`. A later word that begins with a dash is a part of the text.
 *
 * @returns the repetition, and the words after the options
 * @throws {Error} for another option, or a value that is not allowed.
 */
export function readRepetition(words: readonly string[]): readonly [Repetition, readonly string[]] {
  const given = new Map<string, string>();
  let index = 0;
  for (; words[index]?.startsWith("--"); index += 2) given.set(words[index] ?? "", words[index + 1] ?? "");
  const unknown = [...given.keys()].find((name) => name !== "--every" && name !== "--count");
  if (unknown !== undefined) throw new Error(`The option ${unknown} is unknown. See --help.`);
  const [every, count] = [given.get("--every"), given.get("--count")];
  if (every === undefined && count !== undefined)
    throw new Error("--count needs --every, such as --every 2s.");
  const repetition = every === undefined ? once : { everyMs: readTime(every), count: readCount(count) };
  return [repetition, words.slice(index)];
}

function readTime(value: string): number {
  const [, amount = "", unit = ""] = /^(\d{1,6})(ms|s|m)$/.exec(value) ?? [];
  const ms = Number(amount) * (units[unit] ?? 0);
  if (ms >= 10) return ms;
  throw new Error(`--every is "${value}"; it must be a time of at least 10ms, such as 500ms, 2s or 1m.`);
}

function readCount(value: string | undefined): number {
  if (value === undefined) return Number.POSITIVE_INFINITY;
  if (/^[1-9]\d{0,8}$/.test(value)) return Number(value);
  throw new Error(`--count is "${value}"; it must be a number from 1.`);
}

/** Calls `send` again and again, one call at a time, until all messages are sent or `signal` aborts. */
export async function repeat(
  send: () => Promise<void>,
  { everyMs, count }: Repetition,
  signal: AbortSignal,
): Promise<void> {
  for (let sent = 1; !signal.aborted; sent += 1) {
    const next = performance.now() + everyMs;
    await send();
    if (sent >= count) return;
    await pause(Math.max(0, next - performance.now()), undefined, { signal }).catch(() => {});
  }
}
