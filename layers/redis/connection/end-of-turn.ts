import { AsyncResource } from "node:async_hooks";

let waiting: (() => void)[] = [];

/**
 * Calls `work` at the end of this turn of the event loop, after all readable sockets were read. `work` MUST
 * NOT throw. Functions that `work` passes to `atTurnEnd` run in the same turn.
 */
export function atTurnEnd(work: () => void): void {
  if (waiting.push(work) === 1) setImmediate(end);
}

/** Bound to the root async context, so that it does not run in the context of the first caller. */
const end = AsyncResource.bind((): void => {
  try {
    for (const work of waiting) work();
  } finally {
    waiting = [];
  }
});
