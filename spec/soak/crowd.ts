import { expect } from "chai";
import { Ledger } from "../faults/support/ledger.ts";
import { until } from "../layers/support/until.ts";
import { Member } from "./member.ts";

/** Members of several rooms, of which each hears all members of its own room. */
export class Crowd {
  readonly members: readonly Member[];
  readonly #rooms: readonly (readonly Member[])[];
  #timer: NodeJS.Timeout | undefined;

  /** @param membersPerRoom at least 2 */
  constructor(url: string, kind: "room" | "lobby", rooms: number, membersPerRoom: number) {
    this.#rooms = Array.from({ length: rooms }, (_, index) =>
      Array.from(
        { length: membersPerRoom },
        (_, place) => new Member(url, `${kind}-${index}-${place}`, kind, `${index}`),
      ),
    );
    this.members = this.#rooms.flat();
    for (const room of this.#rooms) for (const one of room) for (const other of room) one.hears(other);
  }

  /** Resolves once each member has joined. */
  async joined(): Promise<void> {
    await until(() => this.members.every(({ isJoined }) => isJoined));
  }

  /** Each member says a number about every `ms` milliseconds, until {@link settle}. */
  talk(ms: number): void {
    let turn = 0;
    this.#timer = setInterval(() => {
      void this.members[turn % this.members.length]?.say();
      turn += 1;
    }, ms / this.members.length);
  }

  /** Resolves once each member has joined, and has heard the last number of each member of its room. */
  async settle(): Promise<void> {
    clearInterval(this.#timer);
    await until(() => this.members.every(({ isIdle }) => isIdle));
    await this.joined();
    await Promise.all(this.#rooms.map((room) => this.#settleRoom(room)));
  }

  async #settleRoom(room: readonly Member[]): Promise<void> {
    // A member that has lost its session may join after another one has said its last number. So all say once more
    // until all have heard all.
    for (;;) {
      const last = await Promise.all(room.map((member) => member.sayLast()));
      const gaps = room.map((member) => member.gaps);
      const heard = () =>
        room.every((member) =>
          room.every((from, index) => member.ledgers.get(from.name)?.lines.includes(last[index] ?? 0)),
        );
      await until(() => heard() || room.some((member, index) => member.gaps !== gaps[index]));
      if (heard()) return;
    }
  }

  /**
   * @throws if a number was lost silently, or arrived twice or out of order. A number whose ask was rejected may be
   *   missing, and may arrive late: Redis may execute a command of a broken connection after later commands.
   */
  check(): void {
    for (const room of this.#rooms) for (const member of room) for (const from of room) check(member, from);
  }

  get accepted(): number {
    return this.members.reduce((sum, { accepted }) => sum + accepted.length, 0);
  }

  get rejected(): number {
    return this.members.reduce((sum, member) => sum + member.rejected, 0);
  }

  get gaps(): number {
    return this.members.reduce((sum, member) => sum + member.gaps, 0);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.members.map((member) => member.close()));
  }
}

function check(member: Member, from: Member): void {
  const heard = member.ledgers.get(from.name) as Ledger;
  const accepted = new Set(from.accepted);
  const ledger = new Ledger();
  ledger.lines.push(...heard.lines.filter((line) => line === "gap" || accepted.has(line)));
  const twice = heard.numbers.filter((number, index) => heard.numbers.indexOf(number) !== index);
  try {
    expect(twice, "numbers that came twice").to.deep.equal([]);
    ledger.expectNoSilentLoss([...accepted].sort((one, other) => one - other));
  } catch (cause) {
    throw new Error(`${member.name} did not hear ${from.name} well: ${(cause as Error).message}`, { cause });
  }
}
