import { createHash } from "node:crypto";
import type { Redis } from "ioredis";
import { deadSuffix } from "../../names.ts";

/** The keys of a queue and of its dead letters. */
export interface QueueKeys {
  readonly stream: string;
  readonly dead: string;
  /** The part that all these keys share, braces included: it decides which server or shard they are on. */
  readonly tag: string;
}

/**
 * The keys of a queue. A queue, its dead letters, the dead letters of those and so on share one hash tag (in braces), so
 * that a Redis Cluster keeps them in one slot: only then a message can move from one to another in one step.
 */
export function queueKeys(queue: string): QueueKeys {
  let root = queue;
  while (root.endsWith(deadSuffix)) root = root.slice(0, -deadSuffix.length);
  // A tag ends at the first brace. No name contains a space, so two queues never get one key.
  const tag = `{${root.replaceAll("}", " ")}}`;
  const stream = tag + queue.slice(root.length);
  return { stream, dead: stream + deadSuffix, tag };
}

/** A Lua script, which the server runs atomically. */
export interface Script {
  readonly lua: string;
  readonly sha: string;
}

export type ScriptArgument = string | number | Buffer;

/** An entry belongs to a consumer and an attempt: a worker may lose an entry and get it again for another attempt. */
const owns = `
local function owns(id, consumer, attempt)
  local found = redis.pcall('XPENDING', KEYS[1], ARGV[1], id, id, 1)
  local entry = not found.err and found[1]
  return entry and entry[2] == consumer and entry[4] == tonumber(attempt)
end
`;

/** KEYS: stream. ARGV: capacity, payload. Returns 1, or 0 if there is no room. */
export const enqueueScript = script(`
if redis.call('XLEN', KEYS[1]) >= tonumber(ARGV[1]) then return 0 end
redis.call('XADD', KEYS[1], '*', 'payload', ARGV[2])
return 1
`);

/** KEYS: stream. ARGV: group, id. Removes the entry, even if another worker has begun it anew. */
export const doneScript = script(`
redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
redis.call('XDEL', KEYS[1], ARGV[2])
`);

/** KEYS: stream, that of its dead letters. ARGV: group, consumer, id, attempt. */
export const buryScript = script(`${owns}
if not owns(ARGV[3], ARGV[2], ARGV[4]) then return 0 end
local entry = redis.call('XRANGE', KEYS[1], ARGV[3], ARGV[3])[1]
-- Entries of other programs may have more fields than a call may have arguments. Only the first is ever read.
if entry then redis.call('XADD', KEYS[2], '*', entry[2][1], entry[2][2]) end
redis.call('XACK', KEYS[1], ARGV[1], ARGV[3])
redis.call('XDEL', KEYS[1], ARGV[3])
return 1
`);

/** KEYS: stream. ARGV: group, consumer, id, attempt, attempts to count, idle milliseconds. Returns 0 if the entry is not ours. */
export const claimScript = script(`${owns}
if not owns(ARGV[3], ARGV[2], ARGV[4]) then return 0 end
redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[3], 'IDLE', ARGV[6], 'RETRYCOUNT', ARGV[5], 'JUSTID')
return 1
`);

/** KEYS: stream. ARGV: group, consumer, then id and attempt of each. Returns the ids that are not ours any more. */
export const renewScript = script(`${owns}
local lost = {}
for i = 3, #ARGV, 2 do
  if owns(ARGV[i], ARGV[2], ARGV[i + 1]) then
    redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[i], 'JUSTID')
  else
    lost[#lost + 1] = ARGV[i]
  end
end
return lost
`);

/**
 * KEYS: stream. ARGV: group, consumer, limit, idle milliseconds, then the ids that are held. Returns id, attempt and
 * payload of entries that other consumers left behind, the oldest first. XAUTOCLAIM does not return the attempt, needs
 * its cursor kept between calls, and returns entries that the worker still holds.
 */
export const takeOverScript = script(`
local held, taken, limit = {}, {}, tonumber(ARGV[3])
for i = 5, #ARGV do held[ARGV[i]] = true end
for _, entry in ipairs(redis.call('XPENDING', KEYS[1], ARGV[1], 'IDLE', ARGV[4], '-', '+', limit + #ARGV - 4)) do
  if #taken < limit and not held[entry[1]] then
    local claimed = redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, entry[1])[1]
    if claimed then taken[#taken + 1] = {claimed[1], entry[4] + 1, claimed[2][2]} end
  end
end
return taken
`);

/**
 * KEYS: stream. ARGV: group, consumer, limit, then the ids that are held. Returns, with the attempt unchanged, entries
 * that the server gave to the consumer in an answer that did not arrive.
 */
export const recoverScript = script(`
local held, found, limit = {}, {}, tonumber(ARGV[3])
for i = 4, #ARGV do held[ARGV[i]] = true end
for _, entry in ipairs(redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', limit + #ARGV - 3, ARGV[2])) do
  if #found < limit and not held[entry[1]] then
    local claimed = redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, entry[1], 'RETRYCOUNT', entry[4])[1]
    if claimed then found[#found + 1] = {claimed[1], entry[4], claimed[2][2]} end
  end
end
return found
`);

/** KEYS: stream. ARGV: group, idle milliseconds, except. Removes idle consumers that hold nothing. */
export const tidyScript = script(`
for _, fields in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local consumer = {}
  for i = 1, #fields, 2 do consumer[fields[i]] = fields[i + 1] end
  if consumer.pending == 0 and consumer.idle >= tonumber(ARGV[2]) and consumer.name ~= ARGV[3] then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], consumer.name)
  end
end
`);

/** KEYS: stream. ARGV: group, consumer. Removes the consumer, unless it holds entries, which would be lost. */
export const leaveScript = script(`
local held = redis.pcall('XPENDING', KEYS[1], ARGV[1], '-', '+', 1, ARGV[2])
if not held.err and #held == 0 then redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2]) end
`);

/**
 * Runs a script whose runs have to keep their order. Replies are bytes.
 *
 * Sends the text each time: if the server had forgotten a script sent by its hash, the second attempt would come late.
 */
export function runOrdered(
  redis: Redis,
  { lua }: Script,
  keys: readonly string[],
  ...args: readonly ScriptArgument[]
): Promise<unknown> {
  return redis.callBuffer("EVAL", lua, keys.length, ...keys, ...args);
}

/** Runs a script by its hash, or by its text if the server does not know it: the order is not kept. Replies are bytes. */
export async function runScript(
  redis: Redis,
  { lua, sha }: Script,
  keys: readonly string[],
  ...args: readonly ScriptArgument[]
): Promise<unknown> {
  try {
    return await redis.callBuffer("EVALSHA", sha, keys.length, ...keys, ...args);
  } catch (error) {
    if (!(error instanceof Error && error.message.startsWith("NOSCRIPT"))) throw error;
    return runOrdered(redis, { lua, sha }, keys, ...args);
  }
}

function script(lua: string): Script {
  return { lua, sha: createHash("sha1").update(lua).digest("hex") };
}
