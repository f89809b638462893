import { AsyncResource } from "node:async_hooks";

let waiting: (() => void)[] = [];

/**
 * Calls `work`, which MUST NOT throw, at the end of this turn of the event loop, after all readable sockets
 * were read. Work added by `work` runs at the same end, so batching at several levels costs one turn only.
 */
export function atTurnEnd(work: () => void): void {
  if (waiting.push(work) === 1) setImmediate(end);
}

/** Bound to the root context, not to that of the first caller. */
const end = AsyncResource.bind((): void => {
  try {
    for (const work of waiting) work();
  } finally {
    waiting = [];
  }
});
