import { Redis } from "ioredis";
import { runOwned } from "../../async-errors.ts";
import { type AttemptContext, askCredentials } from "./credentials.ts";
import type { RedisServer } from "./server-options.ts";

/**
 * Creates the client of one attempt to connect. Asks the application's functions for the current login or
 * client each time. The client does not connect yet.
 *
 * @throws if one of these functions fails, or returns a wrong value.
 */
export async function createClient(
  { connectTimeoutMs, options, credentials, create }: Omit<RedisServer, "address">,
  context: AttemptContext,
): Promise<Redis> {
  const login = credentials && (await askCredentials(credentials, connectTimeoutMs, context));
  const all = { ...options, ...login };
  return create === undefined ? new Redis(all) : runOwned(context.owner, create, all);
}
