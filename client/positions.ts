import type { ClientControl } from "../protocol/control-frames.ts";

interface Position {
  /** Where the membership began. */
  readonly at: number;
  /** The offset of the last frame that has arrived. */
  mark: number;
}

/**
 * The positions of a client in the histories of groups. After the loss of a session, the server sends what the
 * client has missed since then.
 */
export class Positions {
  /** Of the groups that this session has joined. */
  #groups = new Map<string, Position>();
  /** Of the groups of the lost session. */
  #lost = new Map<string, Position>();
  #ticket: string | undefined;

  /** Takes `joined`, `left`, `ticket` and `gap`. Ignores other control frames. */
  control({ c, group, at, value }: Readonly<Record<string, unknown>>): void {
    const name = group as string;
    const joined = this.#groups.get(name);
    // Until a lost frame has arrived, another loss of the session must not lose it.
    if (c === "joined")
      this.#groups.set(name, { at: at as number, mark: this.#lost.get(name)?.mark ?? (at as number) });
    else if (c === "left") this.#groups.delete(name);
    else if (c === "ticket") this.#ticket = value as string;
    else if (c === "gap" && joined) joined.mark = Math.max(joined.mark, joined.at);
    else return;
    this.#lost.delete(name);
  }

  /** Remembers the position of a relayed frame, if its group is joined. Returns false if it is not a position. */
  keep(position: unknown): boolean {
    if (!Array.isArray(position)) return false;
    const [group, offset] = position;
    const joined = this.#groups.get(group);
    if (joined) joined.mark = offset;
    return typeof group === "string" && typeof offset === "number";
  }

  /** What to send after the loss of a session. */
  since(): ClientControl | undefined {
    this.#lost = this.#groups;
    this.#groups = new Map();
    if (this.#ticket === undefined) return undefined;
    const marks = [...this.#lost].map(([group, { mark }]) => [group, mark] as const);
    return { c: "since", ticket: this.#ticket, marks: Object.fromEntries(marks) };
  }
}
