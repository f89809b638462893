import { AsyncResource } from "node:async_hooks";
import { Fifo } from "../fifo.ts";
import type { Budget, Lane, Task } from "./lane.ts";
import { TurnBudget } from "./turn-budget.ts";

/** The time for tasks in one turn, in ms. */
const tasksMs = 5;
/** The time in one turn, in ms, for work outside tasks: what callbacks of sockets and timers do at once. */
const inlineMs = 3;
/** The event loop returns to sockets and timers within this time, in ms, except after long handlers. */
export const turnMs = 10;

/**
 * Divides a node's work among turns of the event loop. In the check phase of a turn, the lanes with tasks
 * together get 5 ms, in equal shares. Unfinished tasks continue in the next turn, after sockets and timers.
 */
export class TurnScheduler {
  /** Called at the end of a turn. The turn's work began at `startedAt`. @returns whether work is left. */
  onTurnEnd: ((startedAt: number) => boolean) | undefined;
  readonly #now: () => number;
  readonly #inline: TurnBudget;
  readonly #lanes: RoundRobin[] = [];
  /** The budget of the running work. */
  #current: TurnBudget;
  #number = 0;
  #isEndScheduled = false;
  #endImmediate: NodeJS.Immediate | undefined;
  /** Whether the end of the turn runs, or runs next. */
  #isEnding = false;
  #startedAt = 0;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#inline = new TurnBudget(now);
    this.#current = this.#inline;
  }

  /** The number of check phases so far. */
  get number(): number {
    return this.#number;
  }

  /** Adds a lane. Lanes run in the order of their creation. */
  lane(): RoundRobin {
    const lane = new RoundRobin(() => this.scheduleEnd(), this.#now);
    this.#lanes.push(lane);
    return lane;
  }

  /** The time for work outside tasks in this turn. */
  inlineBudget(): Budget {
    this.scheduleEnd();
    return this.#inline;
  }

  /**
   * The time for work outside tasks, for a callback of a socket. A turn that has taken 10 ms ends after this callback:
   * Node serves up to 49,152 events of sockets before the check phase, so if thousands of clients come or go at once,
   * tasks and outboxes would wait for all of them.
   */
  socketBudget(): Budget {
    this.scheduleEnd();
    if (!this.#isEnding && this.#now() - this.#startedAt >= turnMs) {
      this.#isEnding = true;
      clearImmediate(this.#endImmediate);
      process.nextTick(this.#end);
    }
    return this.#inline;
  }

  /** Ends the budget of the running work if its time is over at `now`. */
  checkAt(now: number): void {
    this.#current.checkAt(now);
  }

  /** Schedules the end of this turn for the check phase, unless it is already scheduled. */
  scheduleEnd(): void {
    if (this.#isEndScheduled) return;
    this.#isEndScheduled = true;
    this.#startedAt = this.#now();
    this.#inline.start(this.#startedAt, this.#startedAt + inlineMs);
    this.#endImmediate = setImmediate(this.#end);
  }

  /** Bound to the async context of the node, so that tasks do not run in the context of a sender. */
  readonly #end = AsyncResource.bind((): void => {
    this.#number += 1;
    this.#isEnding = true;
    let isLeft = true;
    try {
      this.#runLanes();
      isLeft = this.onTurnEnd?.(this.#startedAt) ?? false;
    } finally {
      // Even if a task throws, the other work goes on in the next turn.
      this.#current = this.#inline;
      this.#isEndScheduled = false;
      this.#isEnding = false;
      if (isLeft || this.#busyLanes(0) > 0) this.scheduleEnd();
    }
  });

  #runLanes(): void {
    if (this.#busyLanes(0) === 0) return;
    let now = this.#now();
    const end = now + tasksMs;
    for (const [index, lane] of this.#lanes.entries()) {
      if (lane.size === 0) continue;
      this.#current = lane.budget;
      // Counted again for each lane, because tasks of earlier lanes may add tasks to later ones.
      now = lane.run(now, now + Math.max(end - now, 0) / this.#busyLanes(index));
    }
  }

  /** The number of lanes with tasks, from the lane at `first` on. */
  #busyLanes(first: number): number {
    let count = 0;
    for (let index = first; index < this.#lanes.length; index += 1) {
      if ((this.#lanes[index] as RoundRobin).size > 0) count += 1;
    }
    return count;
  }
}

/** A lane whose tasks take turns. */
export class RoundRobin implements Lane {
  readonly budget: TurnBudget;
  /** The task that is running, if any. */
  running: Task | undefined;
  readonly #onAdd: () => void;
  readonly #now: () => number;
  readonly #tasks = new Fifo<Task>();
  /** Whether all tasks ran in the last turn, and none of them was finished. */
  #areAllLong = false;

  constructor(onAdd: () => void, now: () => number) {
    this.#onAdd = onAdd;
    this.#now = now;
    this.budget = new TurnBudget(now);
  }

  get size(): number {
    return this.#tasks.size;
  }

  add(task: Task): void {
    this.#tasks.push(task);
    this.#onAdd();
  }

  /** Runs each task at most once, until `end`. Tasks that are added meanwhile wait. @returns the time now. */
  run(start: number, end: number): number {
    let now = start;
    let left = this.#tasks.size;
    let areAllLong = true;
    // Rotates the tasks, because the first get a little more time than the last: steps are not divisible.
    if (this.#areAllLong && left > 1) this.#tasks.push(this.#tasks.shift() as Task);
    try {
      for (; left > 0; left -= 1) {
        const task = this.#tasks.shift() as Task;
        this.budget.start(now, now + (end - now) / left);
        this.running = task;
        if (task.run(this.budget)) areAllLong = false;
        else this.#tasks.push(task);
        now = this.#now();
        if (now >= end) break;
      }
    } finally {
      this.#areAllLong = areAllLong && left <= 1;
      this.running = undefined;
    }
    return now;
  }
}
