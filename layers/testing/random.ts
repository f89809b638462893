/**
 * Returns a generator of pseudorandom numbers from 0 to below 1, the same on every machine. Hashes a counter
 * with MurmurHash3's `fmix32` (https://github.com/aappleby/smhasher).
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
