/**
 * Returns a pseudorandom generator of numbers from 0 (inclusive) to 1 (exclusive). A seed gives the same
 * sequence on every machine. The generator applies the finalizer of MurmurHash3 to a counter
 * (https://github.com/aappleby/smhasher, `fmix32`).
 */
export function randomFrom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let hash = state;
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
  };
}
