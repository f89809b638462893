import type { Environment } from "../../../client/environment.ts";

/** The time of a client runs this many times as fast as real time. */
const speed = 20;
/**
 * A turn of the event loop counts as at most this many milliseconds of real time. So a pause of the machine
 * ends no timer before the client has read what arrived meanwhile.
 */
const maxTurnMs = 5;

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

const timers = new Set<Timer>();
/** The time of the clients. It stands still while no timer is set. */
let now = 0;
let turnedAt = 0;
let isTurning = false;

function turn(): void {
  const realNow = performance.now();
  now += Math.min(realNow - turnedAt, maxTurnMs) * speed;
  turnedAt = realNow;
  const due = [...timers].filter(({ at }) => at <= now).sort((one, other) => one.at - other.at);
  try {
    for (const timer of due) if (timers.delete(timer)) timer.callback();
  } finally {
    isTurning = timers.size > 0;
    if (isTurning) awaitTurn();
  }
}

/** The next turn begins once the event loop has handled what has arrived. */
function awaitTurn(): void {
  setTimeout(() => setImmediate(turn), 1);
}

/** Comes back without a random delay. Its time runs fast. */
export const fastEnvironment: Environment = {
  setTimeout(callback, ms) {
    const timer = { at: now + ms, callback };
    timers.add(timer);
    if (!isTurning) {
      isTurning = true;
      turnedAt = performance.now();
      awaitTurn();
    }
    return timer;
  },
  clearTimeout: (timer) => void timers.delete(timer as Timer),
  Date: { now: () => now },
  Math: { random: () => 0 },
};
