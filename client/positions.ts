import type { ClientControl } from "../protocol/control-frames.ts";

/** More groups than a ticket has room for. */
const maxGroups = 99;

/** The positions of a client in the histories of groups, by which it catches up. They outlive the session. */
export function createPositions() {
  /** By group: the epoch of its history, and the offset of the last frame that has arrived. */
  const groups = new Map<unknown, { readonly epoch: unknown; mark: number }>();
  let ticket: unknown;

  return {
    /** Takes `joined`, `left` and `ticket`. Ignores other control frames. */
    track({ c, group, epoch, at, value }: Readonly<Record<string, unknown>>): void {
      const known = groups.get(group);
      if (c === "ticket") ticket = value;
      if (c === "joined" || c === "left") groups.delete(group);
      if (c === "joined") {
        // The frames that the lost session has received, or this one before it was resumed, still count.
        const mark = known?.epoch === epoch ? Math.max(known?.mark ?? 0, at as number) : (at as number);
        groups.set(group, { epoch, mark });
      }
    },

    /** Remembers the position of a relayed frame, if its group is joined. */
    keep([group, offset]: readonly unknown[]): void {
      const joined = groups.get(group);
      if (joined) joined.mark = Math.max(joined.mark, offset as number);
    },

    since(): ClientControl | undefined {
      const newest = [...groups].slice(-maxGroups).map(([group, { mark }]) => [group, mark]);
      return ticket ? { c: "since", ticket: ticket as string, marks: Object.fromEntries(newest) } : undefined;
    },
  };
}
