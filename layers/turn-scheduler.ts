import { AsyncResource } from "node:async_hooks";
import { Fifo } from "./fifo.ts";
import type { Budget, Scheduler, Task } from "./scheduler.ts";
import { TurnBudget } from "./turn-budget.ts";

/** The time for tasks in one turn, in ms. */
const tasksMs = 5;
/** The time in one turn for work that callbacks of sockets and timers do at once, outside tasks, in ms. */
const inlineMs = 3;

/**
 * Divides the work of a node among turns of the event loop. In the check phase of a turn, the lanes with tasks
 * together get 5 ms, in equal shares. Unfinished tasks continue in the next turn, after sockets and timers.
 */
export class TurnScheduler {
  /** The time for work outside tasks in this turn. Call {@link request} before you use it. */
  readonly inline: Budget;
  /** The task that is running, if any. */
  running: Task | undefined;
  /** Called at the end of each turn, with the time when its work began. @returns whether work is left. */
  onTurnEnd: ((startedAt: number) => boolean) | undefined;
  readonly #now: () => number;
  readonly #inline: TurnBudget;
  readonly #lanes: Lane[] = [];
  #number = 0;
  #isRequested = false;
  #startedAt = 0;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#inline = new TurnBudget(now);
    this.inline = this.#inline;
  }

  /** The number of the current turn. */
  get number(): number {
    return this.#number;
  }

  /** Adds a lane. Lanes run in the order of their creation. */
  lane(): Scheduler {
    const lane = new Lane(this, this.#now);
    this.#lanes.push(lane);
    return lane;
  }

  /** Schedules the end of this turn for the check phase, unless it is already scheduled. */
  request(): void {
    if (this.#isRequested) return;
    this.#isRequested = true;
    this.#startedAt = this.#now();
    this.#inline.start(this.#startedAt, this.#startedAt + inlineMs);
    setImmediate(this.#end);
  }

  /** Bound to the async context of the node, so that tasks do not run in the context of a sender. */
  readonly #end = AsyncResource.bind((): void => {
    this.#number += 1;
    let now = this.#busyLanes(0) > 0 ? this.#now() : 0;
    const end = now + tasksMs;
    for (const [index, lane] of this.#lanes.entries()) {
      if (lane.size === 0) continue;
      // Counted again for each lane, because tasks of earlier lanes may add tasks to later ones.
      now = lane.run(now, now + Math.max(end - now, 0) / this.#busyLanes(index));
    }
    const isLeft = this.onTurnEnd?.(this.#startedAt) ?? false;
    this.#isRequested = false;
    if (isLeft || this.#busyLanes(0) > 0) this.request();
  });

  /** The number of lanes with tasks, from the lane at `first` on. */
  #busyLanes(first: number): number {
    let count = 0;
    for (let index = first; index < this.#lanes.length; index += 1) {
      if ((this.#lanes[index] as Lane).size > 0) count += 1;
    }
    return count;
  }
}

/** Tasks of one kind, which take turns. */
class Lane implements Scheduler {
  readonly #turns: TurnScheduler;
  readonly #now: () => number;
  readonly #budget: TurnBudget;
  readonly #tasks = new Fifo<Task>();

  constructor(turns: TurnScheduler, now: () => number) {
    this.#turns = turns;
    this.#now = now;
    this.#budget = new TurnBudget(now);
  }

  get size(): number {
    return this.#tasks.size;
  }

  add(task: Task): void {
    this.#tasks.push(task);
    this.#turns.request();
  }

  /** Runs each task at most once, until `end`. Tasks that are added meanwhile wait. @returns the time now. */
  run(start: number, end: number): number {
    let now = start;
    for (let left = this.#tasks.size; left > 0; left -= 1) {
      const task = this.#tasks.shift() as Task;
      this.#budget.start(now, now + (end - now) / left);
      this.#turns.running = task;
      if (!task.run(this.#budget)) this.#tasks.push(task);
      now = this.#now();
      if (now >= end) break;
    }
    this.#turns.running = undefined;
    return now;
  }
}
