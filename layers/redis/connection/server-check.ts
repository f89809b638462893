import type { Redis } from "ioredis";
import type { Clock } from "../../clock.ts";
import { retry } from "../../retry.ts";

/** The longest pause between two questions whether the server has loaded its data, in milliseconds. */
const maxLoadingPauseMs = 500;

/** The server answers, but a layer must not use it. The message names the reason. */
export class UnsuitableServerError extends Error {}

/** Facts that the server tells by `INFO`. All are undefined if the user may not run `INFO`. */
export interface ServerFacts {
  /** The id of the server process. A restart and a failover change it. */
  readonly runId: string | undefined;
  /** The setting `maxmemory-policy`. */
  readonly evictionPolicy: string | undefined;
  /** Whether the server writes an append-only file. */
  readonly hasAppendOnlyFile: boolean | undefined;
}

/**
 * Checks a new connection. Waits while the server loads its data.
 *
 * @throws {UnsuitableServerError} if the server is a replica, or does not tell its role.
 * @throws {Error} if the connection breaks, or the login is missing.
 */
export function checkServer(redis: Redis, clock: Clock, signal: AbortSignal): Promise<ServerFacts> {
  const ask = async () => {
    const info = answerOf(redis.info());
    // PING tells whether the server loads its data, also to a user without INFO.
    await Promise.all([answerOf(redis.ping()), refuseReplica(redis), info]);
    return factsIn((await info) ?? "");
  };
  const onFailure = (error: unknown) => {
    if (!/^LOADING /.test(messageOf(error))) throw error;
  };
  return retry(ask, { clock, signal, maxPauseMs: maxLoadingPauseMs, onFailure });
}

/**
 * Asks for the server's role. A replica is refused even if it accepts writes, because these reach no other node.
 *
 * @throws {UnsuitableServerError} if the server is a replica, or does not tell its role.
 */
export async function refuseReplica(redis: Redis): Promise<void> {
  const role = await roleOf(redis);
  if (role === undefined) {
    throw new UnsuitableServerError(
      "the server does not tell whether it is a master: permit one of the commands HELLO, ROLE and INFO",
    );
  }
  if (role === "replica" || role === "slave") {
    throw new UnsuitableServerError("the server is a replica, so messages would not reach the other nodes");
  }
  if (role === "sentinel") {
    throw new UnsuitableServerError("the server is a Sentinel: use the options `sentinels` and `name`");
  }
}

/** Asks by HELLO first: Redis 6.2 and later permit it to every user. */
async function roleOf(redis: Redis): Promise<string | undefined> {
  const hello = await answerOf(redis.call("HELLO"));
  if (Array.isArray(hello)) {
    const at = hello.indexOf("role");
    if (at >= 0) return String(hello[at + 1]);
  }
  const role = await answerOf(redis.call("ROLE"));
  if (Array.isArray(role)) return String(role[0]);
  return fieldOf((await answerOf(redis.info())) ?? "", "role");
}

/** Resolves to undefined if the server refuses the command, or does not know it. */
async function answerOf<T>(asking: Promise<T>): Promise<T | undefined> {
  try {
    return await asking;
  } catch (error) {
    const isRefused = error instanceof Error && error.name === "ReplyError";
    // These refusals say nothing about the command, and do not last.
    if (isRefused && !/^(?:LOADING|BUSY|NOAUTH) /.test(error.message)) return undefined;
    throw error;
  }
}

function factsIn(info: string): ServerFacts {
  const appendOnly = fieldOf(info, "aof_enabled");
  return {
    runId: fieldOf(info, "run_id"),
    evictionPolicy: fieldOf(info, "maxmemory_policy"),
    hasAppendOnlyFile: appendOnly === undefined ? undefined : appendOnly === "1",
  };
}

function fieldOf(info: string, name: string): string | undefined {
  return new RegExp(`^${name}:(\\S+)`, "m").exec(info)?.[1];
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : "";
}
