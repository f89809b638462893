import { expect } from "chai";
import type { RawClient } from "../../../client/client.ts";
import { ConnectionClosed, type Gap, MayHaveBeenTaken } from "../../../client/index.ts";
import { type CommandKind, commandText, type Exchange } from "./numbered.ts";

/** Watches both ends of a client, and checks that all frames arrive once, in order, or in an announced gap. */
export class Observer {
  readonly #client: RawClient;
  readonly #exchange: Exchange;
  readonly #dropped: () => number;
  /** The number of the actor that the client's session belongs to; undefined until its first frame arrives. */
  #actor: number | undefined;
  /** The number of its frames that were given to the listener, or announced as lost. */
  #accounted = 0;
  #commands = 0;
  #pending = 0;
  #hasLostSession = false;
  /** Whether a send may have been handled. The gap follows with the next session. */
  #isInDoubt = false;
  #mayClose = false;
  /** Called by the client, which does not expect errors. */
  readonly failures: unknown[] = [];

  /** @param dropped returns the number of frames that the server has dropped because a connection was closing. */
  constructor(client: RawClient, exchange: Exchange, dropped: () => number) {
    this.#client = client;
    this.#exchange = exchange;
    this.#dropped = dropped;
    client.on("text", (text) => this.#watch(() => this.#onText(text)));
    client.onGap((gap) => this.#watch(() => this.#onGap(gap)));
    client.onError((error) => this.failures.push(error));
    client.onStatus((status) => {
      if (status.state === "closed" && !this.#mayClose) this.failures.push(new Error(JSON.stringify(status)));
    });
  }

  get isJoined(): boolean {
    return this.failures.length > 0 || this.#client.status.state === "joined";
  }

  /** For the message of a failure. */
  get state(): string {
    const { state } = this.#client.status;
    const sent = this.#exchange.actors.map((actor) => actor.sent);
    return `${state}, ${this.#pending} sends wait, ${this.#accounted} frames of actor ${this.#actor} of ${sent}`;
  }

  /** Whether nothing is left to happen. */
  get isComplete(): boolean {
    if (this.failures.length > 0) return true;
    if (this.#actor === undefined || this.#pending > 0 || this.#client.status.state !== "joined")
      return false;
    return this.#accounted === this.#exchange.actors[this.#actor - 1]?.sent;
  }

  send(kind: CommandKind): void {
    this.#commands += 1;
    const index = this.#commands;
    this.#pending += 1;
    this.#client
      .send(commandText(kind, index))
      .then(
        () => expect(this.#exchange.handled, "the handler of a send that resolves").to.include(index),
        (error) => this.#onRejected(error, index),
      )
      .catch((error) => this.failures.push(error))
      .finally(() => {
        this.#pending -= 1;
      });
  }

  check(): void {
    this.#mayClose = true;
    const { begun, handled } = this.#exchange;
    if (this.failures.length > 0) throw this.failures[0];
    expect(begun, "each command begins once, in order").to.deep.equal(
      [...new Set(begun)].sort((a, b) => a - b),
    );
    if (this.#isInDoubt)
      expect(this.#hasLostSession, "a send is in doubt, so a session has ended").to.equal(true);
    if (!this.#hasLostSession) expect(handled.size, "all commands are handled").to.equal(this.#commands);
  }

  #onRejected(error: unknown, index: number): void {
    if (error instanceof ConnectionClosed) expect(this.#exchange.begun).not.to.include(index);
    else {
      expect(error).to.be.instanceOf(MayHaveBeenTaken);
      this.#isInDoubt = true;
    }
  }

  #onText(text: string): void {
    const [actor, number] = text.replace("\u0001", "").split(".").map(Number);
    this.#actor ??= actor;
    expect(actor, "all frames of a session come from one actor").to.equal(this.#actor);
    expect(number, "frames arrive once and in order").to.equal(this.#accounted + 1);
    this.#accounted += 1;
  }

  #onGap({ fresh, missed }: Gap): void {
    if (!fresh) {
      this.#accounted += missed ?? 0;
      return;
    }
    this.#hasLostSession = true;
    const sent = this.#actor === undefined ? undefined : this.#exchange.actors[this.#actor - 1]?.sent;
    if (missed !== undefined && sent !== undefined) {
      // A handler may still send while its actor ends. Such a frame belongs to no session.
      const unsent = sent - this.#accounted - missed;
      expect(unsent, "a fresh gap counts what is missed").to.be.within(0, this.#dropped());
    }
    this.#actor = undefined;
    this.#accounted = 0;
  }

  /** Errors of listeners would go to `onError`. */
  #watch(check: () => void): void {
    try {
      check();
    } catch (error) {
      this.failures.push(error);
    }
  }
}
