import { TurnScheduler } from "../../../layers/scheduling/turn-scheduler.ts";
import { nextTurn } from "../../support/next-turn.ts";

/** A clock for schedulers, in milliseconds. It advances only when a spec says so. */
export class VirtualClock {
  /** The current time. Unlike {@link now}, this property can be read without being counted. */
  time = 0;
  /** The number of calls of {@link now}. */
  readings = 0;
  /** The longest time between two calls of {@link now}. */
  longestGap = 0;
  #readAt = 0;

  readonly now = (): number => {
    this.readings += 1;
    this.longestGap = Math.max(this.longestGap, this.time - this.#readAt);
    this.#readAt = this.time;
    return this.time;
  };

  advance(ms: number): void {
    this.time += ms;
  }
}

/** Measures the time that all tasks of a scheduler get in one turn, in ms, with steps of 1 µs. */
export async function measureTurnMs(): Promise<number> {
  const clock = new VirtualClock();
  let isOver = false;
  new TurnScheduler(clock.now).lane().add({
    run(budget) {
      while (budget.hasTime && !isOver) {
        clock.advance(0.001);
        budget.charge(1);
      }
      return isOver;
    },
  });
  await nextTurn();
  const { time } = clock;
  isOver = true;
  await nextTurn();
  return time;
}
