/**
 * A pseudorandom generator of numbers from 0 up to 1, with the same sequence for the same seed on every
 * machine: a counter with the finalizer of MurmurHash3 (https://github.com/aappleby/smhasher, `fmix32`).
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
