import { Consumer } from "../../actors/consumer.ts";
import type { Scope } from "../../actors/consumer-context.ts";
import type { ConsumerClass } from "../consumer-settings.ts";
import type { TimerCall } from "../mailbox/message-backlog.ts";

interface NoticeInbox {
  readonly consumer: Consumer | undefined;
  enqueueTimer(call: TimerCall): void;
}

/**
 * Calls `onAway` and `onOnline` of a consumer, in turn with its other handlers. At most one call waits in the mailbox,
 * however often a client comes and goes: the changes that are over by then are left out.
 */
export class SessionNotices implements TimerCall {
  stage = "onAway";
  readonly #inbox: NoticeInbox;
  #isWaiting = false;
  /** Whether `onAway` is due. */
  #isAwayDue = false;
  /** The scope for `onOnline`, if that is due. */
  #scope: Scope | undefined;
  /** Whether the consumer knows that the client is away. */
  #isKnownAway = false;

  constructor(inbox: NoticeInbox) {
    this.#inbox = inbox;
  }

  /** Whether the class overrides one of the methods. */
  static isWanted({ prototype }: ConsumerClass): boolean {
    return (
      prototype.onAway !== Consumer.prototype.onAway || prototype.onOnline !== Consumer.prototype.onOnline
    );
  }

  away(): void {
    this.#isAwayDue = true;
    this.#scope = undefined;
    this.#enqueue();
  }

  online(scope: Scope): void {
    this.#scope = scope;
    this.#enqueue();
  }

  run(): unknown {
    this.#isWaiting = false;
    const { consumer } = this.#inbox;
    const isAwayDue = this.#isAwayDue && !this.#isKnownAway;
    this.#isAwayDue = false;
    if (isAwayDue) {
      this.stage = "onAway";
      this.#isKnownAway = true;
      // A call of its own, which follows even if `onAway` fails.
      if (this.#scope !== undefined) this.#enqueue();
      return consumer?.onAway();
    }
    const scope = this.#scope;
    if (scope === undefined) return undefined;
    this.stage = "onOnline";
    this.#scope = undefined;
    this.#isKnownAway = false;
    return consumer?.onOnline(scope);
  }

  #enqueue(): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    this.#inbox.enqueueTimer(this);
  }
}
