/**
 * The offset from `performance.now()`, which is cheap but starts with the process, to `process.hrtime`, whose
 * origin all processes share. The quickest of many readings of both determines it.
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
