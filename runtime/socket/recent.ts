import type { Frame } from "../../actors/index.ts";

/** More than this are not looked through: a look at one takes some 5 ns, and who sends something of its own pays for all. */
const most = 4;

/** What was made for frames, for the few of them that came last. */
export class Recent<T extends { readonly frame: Frame }> {
  /** The one that was asked for last comes first. */
  readonly #entries: T[] = [];

  /** What there is for `frame`: the same bytes, or the same text. */
  find(frame: Frame): T | undefined {
    const entries = this.#entries;
    for (let at = 0; at < entries.length; at += 1) {
      const found = entries[at];
      if (found === undefined || found.frame !== frame) continue;
      if (at > 0) {
        entries.splice(at, 1);
        entries.unshift(found);
      }
      return found;
    }
    return undefined;
  }

  /** Remembers one that was not found. @returns it */
  add(entry: T): T {
    if (this.#entries.length === most) this.#entries.pop();
    this.#entries.unshift(entry);
    return entry;
  }
}
