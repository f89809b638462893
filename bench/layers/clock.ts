/**
 * `performance.now()` is cheap, but counts from the start of a process; `process.hrtime` counts from one moment for all.
 * What lies between is taken from the quickest of many looks at both.
 */
function offsetMs(): number {
  let [offset, quickest] = [0, Number.POSITIVE_INFINITY];
  for (let look = 0; look < 1_000; look += 1) {
    const before = performance.now();
    const [seconds, nanos] = process.hrtime();
    const after = performance.now();
    if (after - before >= quickest) continue;
    quickest = after - before;
    offset = seconds * 1e3 + nanos / 1e6 - (before + after) / 2;
  }
  return offset;
}

const offset = offsetMs();

/** Milliseconds since a moment that is the same in all processes of this machine. */
export function now(): number {
  return performance.now() + offset;
}
