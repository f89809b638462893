import type { ErrorListener } from "../error-reporter.ts";
import type { Gap } from "../message.ts";
import type { Member } from "./group.ts";
import { type Recipients, Round } from "./round.ts";
import type { TimeSlicer } from "./time-slicer.ts";

/** Word of what may be lost, on its way to a group's members, or to all channels of this node. */
export class GapRound extends Round<Member> {
  readonly bytes = 0;
  readonly count = 1;
  readonly #gap: Gap;
  readonly #report: ErrorListener;

  constructor(recipients: Recipients<Member>, gap: Gap, report: ErrorListener) {
    super(recipients);
    this.#gap = gap;
    this.#report = report;
  }

  protected open(): boolean {
    return true;
  }

  protected give({ inbox, channel }: Member, slicer: TimeSlicer): boolean {
    try {
      inbox.gap(this.#gap);
    } catch (error) {
      const { group } = this.#gap;
      this.#report(error, { stage: "layer", channel, ...(group !== undefined && { group }) });
    }
    slicer.charge(1);
    return true;
  }
}
