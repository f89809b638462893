import { AsyncResource } from "node:async_hooks";
import { Fifo } from "../../layers/fifo.ts";
import type { Budget, Task } from "../../layers/scheduling/lane.ts";
import type { Scheduler } from "../scheduler/scheduler.ts";

/** The end of a connection takes so long that the clock is read after each of them. */
const unitsPerSocket = 64;

interface LostSocket {
  readonly end: () => void;
  /** The async context of the loss. */
  readonly context: AsyncResource;
}

/**
 * Ends the connections of lost sockets in the order of their losses. While the turn of the event loop has time, a
 * connection ends at once. Otherwise it waits, so that existing connections get time while thousands are lost.
 */
export class LostSockets implements Task {
  readonly #scheduler: Pick<Scheduler, "losses" | "socketBudget">;
  readonly #waiting = new Fifo<LostSocket>();
  #isScheduled = false;

  constructor(scheduler: Pick<Scheduler, "losses" | "socketBudget">) {
    this.#scheduler = scheduler;
  }

  /** Calls `end` now or later, in the async context of this call. @param end MUST NOT throw. */
  add(end: () => void): void {
    const budget = this.#scheduler.socketBudget();
    if (!this.#isScheduled && budget.hasTime) {
      end();
      budget.charge(unitsPerSocket);
      return;
    }
    this.#waiting.push({ end, context: new AsyncResource("LostSocket") });
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#scheduler.losses.add(this);
  }

  run(budget: Budget): boolean {
    do {
      const socket = this.#waiting.shift();
      socket?.context.runInAsyncScope(socket.end);
      budget.charge(unitsPerSocket);
    } while (this.#waiting.size > 0 && budget.hasTime);
    this.#isScheduled = this.#waiting.size > 0;
    return !this.#isScheduled;
  }
}
