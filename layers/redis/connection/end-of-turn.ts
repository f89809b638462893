import { AsyncResource } from "node:async_hooks";

let waiting: (() => void)[] = [];

/**
 * Calls `work`, which MUST NOT throw, at the end of this turn of the event loop, when all sockets that had something have been
 * read; and still at this end, if it is asked for while others are called. So what goes through several hands, each of which
 * gathers what a turn brings, is not late for it.
 */
export function atTurnEnd(work: () => void): void {
  if (waiting.push(work) === 1) setImmediate(end);
}

/** It belongs to nobody who happened to ask first. */
const end = AsyncResource.bind((): void => {
  try {
    for (const work of waiting) work();
  } finally {
    waiting = [];
  }
});
