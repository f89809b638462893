/** The members of each room, for server libraries that have no rooms. */
export class Rooms<Member> {
  readonly #members = new Map<string, Set<Member>>();

  join(names: readonly string[], member: Member): void {
    for (const name of names) {
      const members = this.#members.get(name);
      if (members === undefined) this.#members.set(name, new Set([member]));
      else members.add(member);
    }
  }

  leave(names: readonly string[], member: Member): void {
    for (const name of names) {
      const members = this.#members.get(name);
      members?.delete(member);
      if (members?.size === 0) this.#members.delete(name);
    }
  }

  of(name: string): Iterable<Member> {
    return this.#members.get(name) ?? [];
  }
}
