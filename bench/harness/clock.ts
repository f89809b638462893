/**
 * The difference between two clocks: `performance.now()`, which is cheap but starts at 0 in each process, and
 * `process.hrtime`, which has the same origin in all processes. Both clocks are read many times. The pair of
 * readings that took the least time determines the difference.
 */
function offsetMs(): number {
  let [offset, quickest] = [0, Number.POSITIVE_INFINITY];
  for (let reading = 0; reading < 1_000; reading += 1) {
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

/** Milliseconds since an origin that all processes of this machine share. */
export function now(): number {
  return performance.now() + offset;
}
