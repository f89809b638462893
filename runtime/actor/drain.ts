import { CloseCode } from "../../actors/index.ts";
import type { Clock } from "../../layers/clock.ts";

const atOnce = 50;
const batches = 20;

/** A connection that can be told to go. */
interface Closable {
  shutDown(code: number, reason: string): void;
}

/**
 * Closes connections with 1012, spread over `spreadMs` in 20 batches, so that their clients do not all come back to
 * the other servers at the same moment. Up to 50 go at once. Resolves when the last has been told.
 */
export async function closeGradually(
  connections: readonly Closable[],
  spreadMs: number,
  clock: Clock,
): Promise<void> {
  const size = Math.max(atOnce, Math.ceil(connections.length / batches));
  for (let start = 0; start < connections.length; start += size) {
    if (start > 0)
      await new Promise<void>((resolve) => clock.setTimeout(() => resolve(), spreadMs / batches));
    for (const connection of connections.slice(start, start + size)) {
      connection.shutDown(CloseCode.restart, "The server is restarting");
    }
  }
}
