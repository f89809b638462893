import { prepareRedis, type RedisServer, startRedisServer } from "./redis-server.ts";

export { type RedisServer, type RedisServerOptions, startRedisServer } from "./redis-server.ts";

let shared: RedisServer | undefined;
/** Where it is, for the processes that specs run in. */
const sharedUrl = "GREENROOM_SPECS_REDIS_URL";

/** The Redis that all specs share, each under a prefix of its own. */
export function redisUrl(): string {
  const url = process.env.REDIS_URL ?? process.env[sharedUrl];
  if (url === undefined) throw new Error("There is no Redis yet: it starts before the first spec.");
  return url;
}

/**
 * Before the first spec, Redis is found or installed, since some specs start servers of their own; without a
 * `REDIS_URL`, the shared one is started.
 */
export async function mochaGlobalSetup(): Promise<void> {
  await prepareRedis();
  if (process.env.REDIS_URL !== undefined) return;
  shared = await startRedisServer();
  process.env[sharedUrl] = shared.url;
}

export async function mochaGlobalTeardown(): Promise<void> {
  await shared?.stop();
}
