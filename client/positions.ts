import type { ClientControl } from "../protocol/control-frames.ts";

/** More groups than a ticket has room for. */
const maxGroups = 99;

/** The positions of a client in the histories of groups. They outlive the session. */
export class Positions {
  /** By group: the epoch of its history, and the offset of the last frame that has arrived. */
  readonly #groups = new Map<unknown, { readonly epoch: unknown; mark: number }>();
  #ticket: string | undefined;

  /** Takes `joined`, `left` and `ticket`. Ignores other control frames. */
  control({ c, group, epoch, at, value }: Readonly<Record<string, unknown>>): void {
    if (c === "ticket") this.#ticket = value as string;
    else if (c === "left") this.#groups.delete(group);
    else if (c === "joined") {
      const known = this.#groups.get(group);
      // The frames that the lost session has received, or this one before it was resumed, still count.
      const mark = known?.epoch === epoch ? Math.max(known?.mark ?? 0, at as number) : (at as number);
      this.#groups.delete(group);
      this.#groups.set(group, { epoch, mark });
    }
  }

  /** Remembers the position of a relayed frame, if its group is joined. */
  keep([group, offset]: readonly unknown[]): void {
    const joined = this.#groups.get(group);
    if (joined) joined.mark = Math.max(joined.mark, offset as number);
  }

  /** The frame to send after the loss of a session. Undefined if nothing can be caught up. */
  since(): ClientControl | undefined {
    const newest = [...this.#groups].slice(-maxGroups);
    const marks = Object.fromEntries(newest.map(([group, { mark }]) => [group, mark]));
    return this.#ticket === undefined ? undefined : { c: "since", ticket: this.#ticket, marks };
  }
}
