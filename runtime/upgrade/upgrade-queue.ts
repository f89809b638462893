import { AsyncResource } from "node:async_hooks";
import { jitter } from "../../layers/jitter.ts";
import type { Budget, Task } from "../../layers/scheduling/lane.ts";
import { turnMs } from "../../layers/scheduling/turn-scheduler.ts";
import { Deadline } from "../deadline.ts";
import type { Refusal } from "../http-response.ts";
import type { RuntimeContext } from "../runtime-context.ts";
import type { Scheduler } from "../scheduler/scheduler.ts";
import type { Handshake } from "../socket/handshake.ts";
import { tookTooLong } from "./admission.ts";

/** An upgrade takes so long that the clock is read after each of them. */
const unitsPerUpgrade = 64;

interface QueueContext extends Pick<RuntimeContext, "clock" | "limits"> {
  readonly scheduler: Pick<Scheduler, "flushes" | "inlineBudget" | "now" | "upgrades">;
}

interface WaitingUpgrade {
  readonly handshake: Handshake;
  readonly deadline: Deadline;
  readonly admit: (deadline: Deadline) => void;
  /** The async context of the arrival. */
  readonly context: AsyncResource;
}

/**
 * Admits upgrades in the order of their arrival, at a rate that leaves time for existing connections. While
 * the turn of the event loop has time, an upgrade is admitted at once. Otherwise it waits, and the scheduler
 * admits it in a check phase. If too many upgrades wait, further upgrades are refused with 503.
 */
export class UpgradeQueue implements Task {
  readonly #context: QueueContext;
  readonly #refuse: (handshake: Handshake, refusal: Refusal) => void;
  readonly #waiting = new Set<WaitingUpgrade>();
  #isScheduled = false;
  /** The measured time from one admission to the next while upgrades wait, in ms. */
  #msPerUpgrade = 0.5;
  /** The same for each of the last three runs, oldest first. */
  #recentMs = [0.5, 0.5, 0.5];
  #lastRunAt = 0;

  /** @param refuse answers the upgrade of a handshake with a refusal. */
  constructor(context: QueueContext, refuse: (handshake: Handshake, refusal: Refusal) => void) {
    this.#context = context;
    this.#refuse = refuse;
  }

  /**
   * Calls `admit` now or later, in the async context of this call. Passes it the deadline of the upgrade, which
   * begins with this call. Does not call `admit` if the upgrade is refused, or if its client disconnects before.
   */
  add(handshake: Handshake, admit: (deadline: Deadline) => void): void {
    const { clock, limits, scheduler } = this.#context;
    const inline = scheduler.inlineBudget();
    if (this.#waiting.size === 0 && inline.hasTime) {
      // Most upgrades are answered within one turn of the event loop, and need no timer.
      admit(new Deadline(clock, limits.connectTimeoutMs, scheduler.flushes));
      inline.charge(unitsPerUpgrade);
    } else if (this.#isFull) this.#refuse(handshake, this.#busy());
    else {
      const deadline = new Deadline(clock, limits.connectTimeoutMs, scheduler.flushes);
      // `AsyncResource.bind` would take 10 µs, because it defines properties of a new function.
      this.#wait({ handshake, deadline, admit, context: new AsyncResource("Upgrade") });
    }
  }

  /** Refuses the upgrades that wait. */
  refuseAll(refusal: Refusal): void {
    for (const upgrade of this.#waiting) {
      this.#remove(upgrade);
      upgrade.deadline.cancel();
      this.#refuse(upgrade.handshake, refusal);
    }
  }

  run(budget: Budget): boolean {
    const { now } = this.#context.scheduler;
    const startedAt = now();
    let admitted = 0;
    for (const upgrade of this.#waiting) {
      this.#remove(upgrade);
      const { admit, context, deadline } = upgrade;
      context.runInAsyncScope(admit, undefined, deadline);
      admitted += 1;
      budget.charge(unitsPerUpgrade);
      if (!budget.hasTime) break;
    }
    this.#measure(startedAt, now(), admitted);
    this.#isScheduled = this.#waiting.size > 0;
    return !this.#isScheduled;
  }

  #wait(upgrade: WaitingUpgrade): void {
    const { handshake, deadline } = upgrade;
    this.#waiting.add(upgrade);
    handshake.onLost = () => {
      this.#remove(upgrade);
      deadline.cancel();
    };
    deadline.onPassed = () => {
      this.#remove(upgrade);
      this.#refuse(handshake, tookTooLong);
    };
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    const { scheduler } = this.#context;
    this.#lastRunAt = scheduler.now();
    scheduler.upgrades.add(this);
  }

  #remove(upgrade: WaitingUpgrade): void {
    this.#waiting.delete(upgrade);
    upgrade.handshake.onLost = undefined;
    upgrade.deadline.onPassed = undefined;
  }

  /**
   * The time outside the run counts at most with the length of a turn: at the beginning of a storm, Node accepts
   * thousands of connections in one turn, and an estimate from this turn would be far too high. The process may
   * also pause in a run, so the median of three runs counts.
   */
  #measure(startedAt: number, endedAt: number, admitted: number): void {
    const outsideMs = Math.min(startedAt - this.#lastRunAt, turnMs);
    this.#lastRunAt = endedAt;
    if (admitted === 0) return;
    const ms = (outsideMs + endedAt - startedAt) / admitted;
    this.#recentMs = [...this.#recentMs.slice(1), ms];
    const [, median = ms] = this.#recentMs.toSorted((one, other) => one - other);
    this.#msPerUpgrade += (median - this.#msPerUpgrade) / 8;
  }

  /** The estimated time until all waiting upgrades are admitted. */
  get #waitMs(): number {
    return this.#waiting.size * this.#msPerUpgrade;
  }

  get #isFull(): boolean {
    const { maxWaitingUpgrades, maxUpgradeWaitMs } = this.#context.limits;
    return this.#waiting.size >= maxWaitingUpgrades || this.#waitMs > maxUpgradeWaitMs;
  }

  /** Spreads the clients over the time that the queue needs, so that they do not return together. */
  #busy(): Refusal {
    const seconds = Math.max(1, Math.ceil(jitter(this.#waitMs, 0) / 1_000));
    return {
      status: 503,
      reason: "Too many clients are connecting",
      headers: { "Retry-After": seconds },
      cause: "queue",
    };
  }
}
