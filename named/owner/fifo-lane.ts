import { Fifo } from "../../layers/fifo.ts";
import type { Budget, Lane, Task } from "../../layers/scheduling/lane.ts";

/** The number of turns of the event loop after which an unfinished task makes way for the next one. */
const maxTurns = 4;

/**
 * A lane whose tasks run one after the other. If hundreds of partitions took turns after each step, all of them would
 * commit only when the last one is done.
 */
export class FifoLane implements Lane {
  readonly #lane: Lane;
  readonly #tasks = new Fifo<Task>();
  readonly #task: Task = { run: (budget) => this.#run(budget) };
  #isAdded = false;
  #first: Task | undefined;
  /** The turns of the first task. */
  #turns = 0;

  /** @param lane gives the time for all tasks together */
  constructor(lane: Lane) {
    this.#lane = lane;
  }

  add(task: Task): void {
    this.#tasks.push(task);
    if (this.#isAdded) return;
    this.#isAdded = true;
    this.#lane.add(this.#task);
  }

  #run(budget: Budget): boolean {
    do {
      this.#first ??= this.#tasks.shift();
      if (this.#first === undefined) {
        this.#isAdded = false;
        return true;
      }
      this.#turns += 1;
      const isDone = this.#first.run(budget);
      if (!isDone && this.#turns < maxTurns) return false;
      if (!isDone) this.#tasks.push(this.#first);
      this.#first = undefined;
      this.#turns = 0;
    } while (budget.hasTime);
    return false;
  }
}
