import { type Exit, type Guard, type Refusal, type Renewal, WebSocketConsumer } from "greenroom";
import { SimulatedClock } from "xstate";
import { wallTimeOf } from "../../../layers/clock.ts";
import { gate } from "../../support/gate.ts";

export interface User {
  readonly id: string;
}

/** A consumer that answers `echo …`, holds a handler on `hold`, and records its end. */
export class Member extends WebSocketConsumer<{ user: User }> {
  static log: unknown[] = [];
  static hold = gate();
  static connecting: Promise<void> | undefined;
  static current: Member;
  override async connect() {
    Member.current = this;
    await Member.connecting;
  }
  override async receive(text: string) {
    if (text === "hold") {
      await Member.hold.opened;
      Member.log.push("held");
    }
    if (text.startsWith("echo ")) this.send(`${this.scope.user.id}: ${text.slice(5)}`);
  }
  override onAway() {}
  override disconnect(code: number, { by, reason }: Exit) {
    Member.log.push(["disconnect", code, by, reason]);
  }
}

/**
 * A guard whose tokens are a user and the seconds for which it admits the user, as in `ada 60`. `broken` makes it throw,
 * `never` never settles, and a number refuses with this status.
 */
export class TokenGuard {
  readonly clock: SimulatedClock;
  /** The tokens that `renew` was called with. */
  readonly renewed: string[] = [];
  readonly paths: string[] = [];

  constructor(clock = new SimulatedClock()) {
    this.clock = clock;
    Member.log = [];
    Member.hold = gate();
    Member.connecting = undefined;
  }

  readonly guard: Guard<User> = ({ token, headers }) =>
    this.#verdict(token ?? `${headers["x-token"]}`) as Refusal;

  #verdict(token: string): Renewal<User> | Promise<Renewal<User>> {
    const [id = "", seconds = ""] = token.split(" ");
    if (id === "broken") throw new Error(`Broken: ${token}`);
    if (id === "never") return new Promise(() => {});
    if (Number(id) > 0) return { status: Number(id), reason: "No" };
    return {
      user: { id },
      expiresAt: wallTimeOf(this.clock) + Number(seconds) * 1_000,
      renew: (next, { path }) => {
        this.renewed.push(next);
        this.paths.push(path);
        return this.#verdict(next);
      },
    };
  }
}
