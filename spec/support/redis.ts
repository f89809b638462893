import type { Context } from "mocha";
import { prepareRedis, type RedisServer, startRedisServer } from "./redis-server.ts";

export { type RedisServer, type RedisServerOptions, startRedisServer } from "./redis-server.ts";

let shared: RedisServer | undefined;
/** The environment variable with the address of the shared Redis, for the programs that specs run. */
const sharedUrl = "GREENROOM_SPECS_REDIS_URL";

/**
 * The address of the Redis that the specs of one process share. Each spec has its own prefix. Each parallel
 * process of mocha has its own Redis, because some specs count its commands or cut all its connections.
 */
export function redisUrl(): string {
  const url = process.env.REDIS_URL ?? process.env[sharedUrl];
  if (url === undefined) throw new Error("There is no Redis yet: use it in specs and hooks only.");
  return url;
}

/** Finds or installs Redis once, before all specs, because some specs start their own servers. */
export async function mochaGlobalSetup(): Promise<void> {
  await prepareRedis();
}

export const mochaHooks = {
  /** Starts the shared Redis, unless `REDIS_URL` is set. */
  async beforeAll(this: Context): Promise<void> {
    if (process.env.REDIS_URL !== undefined) {
      if (process.env.MOCHA_WORKER_ID === undefined) return;
      throw new Error("Parallel spec files cannot share the Redis at REDIS_URL: add --no-parallel.");
    }
    if (shared !== undefined) return;
    this.timeout(60_000); // Redis may have to be found first
    shared = await startRedisServer();
    process.env[sharedUrl] = shared.url;
  },
};

/** Stops the shared Redis. In a parallel process of mocha, it ends with that process instead. */
export async function mochaGlobalTeardown(): Promise<void> {
  await shared?.stop();
}
