import { expect } from "chai";
import type { Gap, Inbox, Mail } from "../../../layers/message.ts";

/** An inbox that records numbers and gaps in order. */
export class Ledger implements Inbox {
  readonly lines: (number | "gap")[] = [];
  readonly directGaps: Gap[] = [];
  /** Whether there was a gap between the last number and the end marker. */
  #endsInGap = false;
  readonly #ended: Promise<void>;
  #end = () => {};

  constructor() {
    this.#ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  get numbers(): number[] {
    return this.lines.filter((line) => line !== "gap");
  }

  /** The number of gaps of the group. */
  get gaps(): number {
    return this.lines.length - this.numbers.length;
  }

  deliver({ message }: Mail): void {
    if (message.type === "end") {
      this.#endsInGap = this.lines.at(-1) === "gap";
      this.#end();
    } else this.lines.push(Number(message.number));
  }

  gap(gap: Gap): void {
    if (gap.group === undefined) this.directGaps.push(gap);
    else this.lines.push("gap");
  }

  /** Resolves once the end marker has arrived. All earlier messages have then arrived too. */
  ended(): Promise<void> {
    return this.#ended;
  }

  /**
   * Checks that no number arrived twice or out of order, and that each number in `accepted` arrived or lies
   * in a gap. The sends of the numbers in `accepted` have resolved.
   */
  expectNoSilentLoss(accepted: Iterable<number>): void {
    let last = -1;
    let isGap = false;
    const excused = new Set<number>();
    const came = new Set<number>();
    for (const line of [...this.lines, Number.POSITIVE_INFINITY]) {
      if (line === "gap") {
        isGap = true;
        continue;
      }
      expect(line, "a number came twice, or out of order").to.be.greaterThan(last);
      for (let lost = last + 1; isGap && line !== Number.POSITIVE_INFINITY && lost < line; lost += 1) {
        excused.add(lost);
      }
      if (line === Number.POSITIVE_INFINITY && this.#endsInGap) {
        for (const number of accepted) if (number > last) excused.add(number);
      }
      came.add(line);
      last = line;
      isGap = false;
    }
    const silent = [...accepted].filter((number) => !came.has(number) && !excused.has(number));
    expect(silent, "numbers that were lost without a word").to.deep.equal([]);
  }
}
