/** How long to wait before the first attempt to reconnect, at least. */
const firstMs = 50;
/** How long to wait between attempts, at most. */
const longestMs = 5_000;

/**
 * The pause before attempt number `attempt` (from 1) to reconnect, in milliseconds: it doubles up to five seconds, and
 * is taken at random from its upper half, so that the nodes of an application do not all come back in one instant.
 *
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/ ("equal jitter")
 */
export function backoffMs(attempt: number, random: () => number = Math.random): number {
  const ceiling = Math.min(firstMs * 2 ** attempt, longestMs);
  return (ceiling * (1 + random())) / 2;
}
