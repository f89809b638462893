import type { ErrorListener, Gap } from "./contract.ts";
import type { Member } from "./group.ts";
import { type Audience, type Content, Round } from "./round.ts";

/** Word of what may be lost, on its way to a group's members, or to all channels of this node. */
export class GapRound extends Round<Member> {
  readonly bytes = 0;
  readonly #gap: Gap;
  readonly #report: ErrorListener;

  constructor(audience: Audience<Member>, gap: Gap, report: ErrorListener) {
    super(audience);
    this.#gap = gap;
    this.#report = report;
  }

  protected open(): Content<Member> {
    return { mail: undefined, except: undefined, gap: this.#gap };
  }

  protected taken(): void {}

  protected failed(error: unknown, { channel }: Member): void {
    const { group } = this.#gap;
    this.#report(error, { stage: "layer", channel, ...(group !== undefined && { group }) });
  }
}
