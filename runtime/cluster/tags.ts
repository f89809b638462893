import { checkGroup } from "../../layers/names.ts";

export interface Tagged {
  shutDown(code: number, reason: string): void;
}

/** The tags of the actors of this node. */
export class Tags {
  readonly #actors = new Map<string, Set<Tagged>>();

  /** @throws {InvalidNameError} if `tag` is not a valid name. */
  add(tag: string, actor: Tagged): void {
    checkGroup(tag);
    const actors = this.#actors.get(tag) ?? new Set();
    this.#actors.set(tag, actors.add(actor));
  }

  remove(tag: string, actor: Tagged): void {
    const actors = this.#actors.get(tag);
    if (actors?.delete(actor) && actors.size === 0) this.#actors.delete(tag);
  }

  count(tag: string): number {
    return this.#actors.get(tag)?.size ?? 0;
  }

  /** Closes the connections of all actors with the tag. @returns the number of actors. */
  disconnect(tag: string, code: number, reason: string): number {
    const actors = [...(this.#actors.get(tag) ?? [])];
    for (const actor of actors) actor.shutDown(code, reason);
    return actors.length;
  }
}
