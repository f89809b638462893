import type { Budget, Lane } from "../../layers/scheduling/lane.ts";
import { TurnScheduler } from "../../layers/scheduling/turn-scheduler.ts";
import { FlushQueue } from "./flush-queue.ts";
import { HandlerTimer } from "./handler-timer.ts";

/**
 * Divides each turn of the event loop among the work of a runtime: the bytes of sockets, the items in
 * mailboxes, the messages of layers, lost sockets, waiting upgrades, and the frames in outboxes. See
 * docs/design/26-scheduler.md.
 */
export class Scheduler {
  /** Sockets with bytes that are not parsed yet. */
  readonly reads: Lane;
  /** Mailboxes with waiting items. */
  readonly mailboxes: Lane;
  /** Mailboxes with long waiting frames. */
  readonly backlogs: Lane;
  /** Messages from layers. */
  readonly deliveries: Lane;
  /** Steps of named actors. */
  readonly named: Lane;
  /** Connections whose sockets are lost. */
  readonly losses: Lane;
  /** Upgrades that wait for their admission. */
  readonly upgrades: Lane;
  readonly flushes: FlushQueue;
  readonly handlerTimer: HandlerTimer;
  /** Returns the time in milliseconds. */
  readonly now: () => number;
  readonly #turns: TurnScheduler;

  /** @param now returns the time in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.now = now;
    this.#turns = new TurnScheduler(now);
    this.reads = this.#turns.lane();
    this.mailboxes = this.#turns.lane();
    this.backlogs = this.#turns.lane();
    const deliveries = this.#turns.lane();
    this.deliveries = deliveries;
    this.named = this.#turns.lane();
    this.losses = this.#turns.lane();
    // The last lane, so that upgrades get the time that existing connections leave, and their own share.
    this.upgrades = this.#turns.lane();
    this.flushes = new FlushQueue(this.#turns, deliveries, now);
    this.handlerTimer = new HandlerTimer(this.#turns, now);
  }

  /** The number of check phases so far. */
  get turn(): number {
    return this.#turns.number;
  }

  /** The time in this turn for frames that are handled as soon as they are read, and for due timers. */
  inlineBudget(): Budget {
    return this.#turns.inlineBudget();
  }

  /** The same time, for a callback of a socket. If the turn has taken too long, it ends after this callback. */
  socketBudget(): Budget {
    return this.#turns.socketBudget();
  }
}
