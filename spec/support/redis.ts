import type { Context } from "mocha";
import { prepareRedis, type RedisServer, startRedisServer } from "./redis-server.ts";

export { type RedisServer, type RedisServerOptions, startRedisServer } from "./redis-server.ts";

let shared: RedisServer | undefined;
/** Where it is, for the programs that specs run. */
const sharedUrl = "GREENROOM_SPECS_REDIS_URL";

/**
 * The Redis that the specs of one process share, each under a prefix of its own. Processes of mocha that run side by
 * side have one each, since some specs count what a server does, or cut all connections to it.
 */
export function redisUrl(): string {
  const url = process.env.REDIS_URL ?? process.env[sharedUrl];
  if (url === undefined) throw new Error("There is no Redis yet: it starts before the first spec.");
  return url;
}

/** Once, before the first spec of all, Redis is found or installed, since some specs start servers of their own. */
export async function mochaGlobalSetup(): Promise<void> {
  await prepareRedis();
}

export const mochaHooks = {
  /** Without a `REDIS_URL`, the shared one is started. */
  async beforeAll(this: Context): Promise<void> {
    if (process.env.REDIS_URL !== undefined) {
      if (process.env.MOCHA_WORKER_ID === undefined) return;
      throw new Error("Files that run side by side cannot share the one at REDIS_URL: add --no-parallel.");
    }
    if (shared !== undefined) return;
    this.timeout(60_000); // it may have to be found first
    shared = await startRedisServer();
    process.env[sharedUrl] = shared.url;
  },
};

/** Where files run side by side it ends with its process. */
export async function mochaGlobalTeardown(): Promise<void> {
  await shared?.stop();
}
