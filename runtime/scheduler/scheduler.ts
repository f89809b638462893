import type { Budget, Scheduler as TaskScheduler } from "../../layers/scheduler.ts";
import { TurnScheduler } from "../../layers/turn-scheduler.ts";
import { FlushQueue } from "./flush-queue.ts";
import { HandlerTimer } from "./handler-timer.ts";

/**
 * Divides each turn of the event loop among the work of a runtime: the frames of sockets, the items that wait
 * in mailboxes, the messages of layers, and the frames that wait in outboxes. See docs/design/26-scheduler.md.
 */
export class Scheduler {
  /** Mailboxes with waiting items. */
  readonly mailboxes: TaskScheduler;
  /** Messages from layers. */
  readonly deliveries: TaskScheduler;
  /** Sockets with bytes that were read and not handled yet. */
  readonly reads: TaskScheduler;
  readonly flushes: FlushQueue;
  readonly handlerTimer: HandlerTimer;
  readonly #turns: TurnScheduler;

  /** @param now returns the time in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#turns = new TurnScheduler(now);
    this.mailboxes = this.#turns.lane();
    this.deliveries = this.#turns.lane();
    this.reads = this.#turns.lane();
    this.flushes = new FlushQueue(this.#turns, now);
    this.handlerTimer = new HandlerTimer(this.#turns, now);
  }

  /** The number of the current turn. */
  get turn(): number {
    return this.#turns.number;
  }

  /** The time for frames that are handled as soon as they are read. */
  get inline(): Budget {
    this.#turns.request();
    return this.#turns.inline;
  }
}
