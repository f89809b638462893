import type { Lane } from "../../layers/scheduling/lane.ts";

/**
 * The maximum number of steps in one turn of the event loop: so many items are not divided. The budget of a turn does
 * not measure the promises that a step leaves behind, and leaving 256 groups takes about a millisecond with them.
 */
export const stepsPerTurn = 256;

const unitsPerStep = 4;

/** Items that may be deleted while they are iterated. */
interface Items<T> extends Iterable<T> {
  readonly size: number;
}

/**
 * Calls `step` for each item. If there are at most 256 items, calls it at once. Otherwise calls it in slices of many
 * turns of the event loop, so that other actors are served in between.
 *
 * @param step MUST NOT fail, and neither MUST the promise that it may return.
 * @returns undefined if all is done. Otherwise, a promise that resolves once all steps and their promises are done.
 */
export function inSlices<T>(
  lane: Lane,
  items: Items<T>,
  step: (item: T) => Promise<void> | undefined,
): Promise<void> | undefined {
  const iterator = items[Symbol.iterator]();
  const slices: Promise<unknown>[] = [];
  const pending: Promise<void>[] = [];
  /** @returns whether all steps are done. */
  const runOne = (): boolean => {
    const { done, value } = iterator.next();
    if (done) return true;
    const working = step(value);
    if (working !== undefined) pending.push(working);
    return false;
  };
  const endSlice = () => {
    if (pending.length > 0) slices.push(Promise.all(pending.splice(0)));
  };
  if (items.size <= stepsPerTurn) {
    while (!runOne());
    endSlice();
    return slices[0]?.then(() => {});
  }
  return new Promise((resolve) => {
    lane.add({
      run(budget) {
        let isDone = runOne();
        for (let left = stepsPerTurn - 1; left > 0 && !isDone && budget.hasTime; left -= 1) {
          isDone = runOne();
          budget.charge(unitsPerStep);
        }
        endSlice();
        if (isDone) resolve(Promise.all(slices).then(() => {}));
        return isDone;
      },
    });
  });
}
