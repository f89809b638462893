import { quantile } from "../results.ts";

/** The latencies of messages sent within a period. A missing echo counts as infinitely late. */
export interface EchoFigures {
  readonly sent: number;
  readonly missing: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly worstMs: number;
}

/** The latency is normal again when this many consecutive echoes are in time. */
export const normalAfter = 10;

/** Records when each message of a client was sent, and when its echo arrived. */
export class EchoTally {
  readonly #sentAt: number[] = [];
  readonly #latencies: number[] = [];
  #arrived = 0;

  /** Counts a message as sent. @returns the number of the message */
  send(atMs: number): number {
    this.#latencies.push(Number.POSITIVE_INFINITY);
    return this.#sentAt.push(atMs) - 1;
  }

  /** Counts an echo. @throws if the message was never sent, or its echo has already arrived */
  arrive(number: number, atMs: number): void {
    const sentAt = this.#sentAt[number];
    if (sentAt === undefined) throw new Error(`The echo ${number} was never sent.`);
    if (this.#latencies[number] !== Number.POSITIVE_INFINITY)
      throw new Error(`The echo ${number} has arrived again.`);
    this.#latencies[number] = atMs - sentAt;
    this.#arrived += 1;
  }

  get missing(): number {
    return this.#sentAt.length - this.#arrived;
  }

  /** The figures of the messages sent from `fromMs` up to but not including `toMs`. */
  between(fromMs: number, toMs: number): EchoFigures {
    const isWithin = (_: number, number: number) => {
      const sentAt = this.#sentAt[number] ?? 0;
      return sentAt >= fromMs && sentAt < toMs;
    };
    const sorted = Float64Array.from(this.#latencies.filter(isWithin)).sort();
    return {
      sent: sorted.length,
      missing: sorted.filter((latency) => latency === Number.POSITIVE_INFINITY).length,
      p50Ms: quantile(sorted, 0.5),
      p99Ms: quantile(sorted, 0.99),
      worstMs: quantile(sorted, 1),
    };
  }

  /**
   * The milliseconds from `fromMs` until the first of {@link normalAfter} consecutive messages with a latency
   * of at most `limitMs` is sent; `undefined` if there are not enough such messages yet.
   */
  normalAt(fromMs: number, limitMs: number): number | undefined {
    let run = 0;
    for (const [number, sentAt] of this.#sentAt.entries()) {
      if (sentAt < fromMs) continue;
      run = (this.#latencies[number] ?? 0) <= limitMs ? run + 1 : 0;
      if (run === normalAfter) return (this.#sentAt[number - normalAfter + 1] ?? sentAt) - fromMs;
    }
    return undefined;
  }
}
