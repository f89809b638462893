import { randomBytes } from "node:crypto";
import type { Redis } from "ioredis";
import { group } from "./consumer-names.ts";
import { type QueueKeys, runOrdered, runScript, script } from "./queue-scripts.ts";

/** @default of the option `queueIdleMs`, in milliseconds */
export const defaultQueueIdleMs = 7 * 24 * 60 * 60 * 1_000;

/** How long a deletion is remembered, so that the workers of the queue do not take it for a loss. */
const markMs = 60 * 60 * 1_000;

/** How long the empty stream of a deleted queue is kept. */
const emptyStreamMs = 60_000;

/**
 * KEYS: stream, mark of the last deletion. ARGV: group. Creates the consumer group if it is missing. The group
 * starts at the first entry, because jobs may be sent before the first worker starts. Returns the mark.
 */
const openScript = script(`
local created = redis.pcall('XGROUP', 'CREATE', KEYS[1], ARGV[1], '0', 'MKSTREAM')
if created.err and not string.find(created.err, 'BUSYGROUP', 1, true) then return created end
return redis.call('GET', KEYS[2])
`);

/**
 * KEYS: stream, mark of the last deletion. ARGV: group, a new mark. Returns the number of deleted entries. The
 * empty stream stays for a while, because it knows its last id. A new stream could give the same id to an entry of
 * the same millisecond, and the outcome of a running job would then remove this entry.
 */
const deleteScript = script(`
local count = redis.call('XLEN', KEYS[1])
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('XTRIM', KEYS[1], 'MAXLEN', 0)
redis.call('XGROUP', 'DESTROY', KEYS[1], ARGV[1])
redis.call('PEXPIRE', KEYS[1], '${emptyStreamMs}')
redis.call('SET', KEYS[2], ARGV[2], 'PX', '${markMs}')
return count
`);

/** KEYS: stream. ARGV: payload. Adds an entry, even if the queue is full. */
const addScript = script(`
redis.call('XADD', KEYS[1], '*', 'payload', ARGV[1])
redis.call('PERSIST', KEYS[1])
`);

/** Returns the mark of the last deletion. Undefined if none is remembered. */
export async function openQueue(redis: Redis, { stream }: QueueKeys): Promise<string | undefined> {
  const mark = await runScript(redis, openScript, [stream, markOf(stream)], group);
  return Buffer.isBuffer(mark) ? mark.toString() : undefined;
}

/** Runs after all earlier commands of the connection, so it also deletes the jobs that these have added. */
export async function deleteQueue(redis: Redis, { stream }: QueueKeys): Promise<number> {
  const mark = randomBytes(8).toString("hex");
  return Number(await runOrdered(redis, deleteScript, [stream, markOf(stream)], group, mark));
}

export async function addEntry(redis: Redis, stream: string, payload: Uint8Array): Promise<void> {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  await runScript(redis, addScript, [stream], bytes);
}

/** The name of a channel contains no colon, so no queue has this key. */
const markOf = (stream: string) => `${stream}:deleted`;
