import { createHash } from "node:crypto";
import type { Redis } from "ioredis";
import { deadSuffix } from "../../names.ts";

export interface QueueKeys {
  readonly stream: string;
  readonly dead: string;
  /** The hash tag of both keys, with braces. It determines the server or shard that holds the keys. */
  readonly tag: string;
}

/**
 * Returns the keys of a queue and of its dead letters, which can have dead letters too. All these keys have
 * the same hash tag, so a cluster keeps them in one slot, and a script can move a message atomically.
 */
export function queueKeys(queue: string): QueueKeys {
  let root = queue;
  while (root.endsWith(deadSuffix)) root = root.slice(0, -deadSuffix.length);
  // A space replaces a closing brace, which would end the tag. Names have no spaces, so keys stay unique.
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

/**
 * A Lua function that returns whether a consumer owns an entry. The attempt has to match too, because the
 * consumer may have lost the entry and then claimed it again as a later attempt.
 */
const owns = `
local function owns(id, consumer, attempt)
  local found = redis.pcall('XPENDING', KEYS[1], ARGV[1], id, id, 1)
  local entry = not found.err and found[1]
  return entry and entry[2] == consumer and entry[4] == tonumber(attempt)
end
`;

/**
 * A Lua function that lets the stream expire if it is empty, `idleMs` milliseconds from now. A script that adds
 * an entry calls PERSIST, so a stream with entries never expires.
 */
const expireIfEmpty = `
local function expireIfEmpty(idleMs)
  if redis.call('XLEN', KEYS[1]) == 0 then redis.call('PEXPIRE', KEYS[1], idleMs) end
end
`;

/** KEYS: stream. ARGV: capacity, payload. Adds an entry and returns 1. Returns 0 if the queue is full. */
export const enqueueScript = script(`
if redis.call('XLEN', KEYS[1]) >= tonumber(ARGV[1]) then return 0 end
redis.call('XADD', KEYS[1], '*', 'payload', ARGV[2])
redis.call('PERSIST', KEYS[1])
return 1
`);

/** KEYS: stream. ARGV: group, id, idle ms of an empty queue. Removes the entry, even if another worker has it. */
export const doneScript = script(`${expireIfEmpty}
redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
redis.call('XDEL', KEYS[1], ARGV[2])
expireIfEmpty(ARGV[3])
`);

/**
 * KEYS: stream, dead letters. ARGV: group, consumer, id, attempt, idle ms of an empty queue. Returns 0 if `owns`
 * returns false.
 */
export const buryScript = script(`${owns}${expireIfEmpty}
if not owns(ARGV[3], ARGV[2], ARGV[4]) then return 0 end
local entry = redis.call('XRANGE', KEYS[1], ARGV[3], ARGV[3])[1]
-- Copies only the first field. An entry of another program may have too many fields for one call.
if entry then
  redis.call('XADD', KEYS[2], '*', entry[2][1], entry[2][2])
  redis.call('PERSIST', KEYS[2])
end
redis.call('XACK', KEYS[1], ARGV[1], ARGV[3])
redis.call('XDEL', KEYS[1], ARGV[3])
expireIfEmpty(ARGV[5])
return 1
`);

/** KEYS: stream. ARGV: group, consumer, id, attempt, new attempt, idle ms. Returns 0 if `owns` is false. */
export const claimScript = script(`${owns}
if not owns(ARGV[3], ARGV[2], ARGV[4]) then return 0 end
redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[3], 'IDLE', ARGV[6], 'RETRYCOUNT', ARGV[5], 'JUSTID')
return 1
`);

/**
 * KEYS: stream. ARGV: group, consumer, then the id and the attempt of each entry. Renews the claims. Returns
 * the ids of the entries that the consumer does not own. Fails with NOGROUP if the queue has vanished.
 */
export const renewScript = script(`${owns}
redis.call('XPENDING', KEYS[1], ARGV[1])
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
 * KEYS: stream. ARGV: group, consumer, limit, idle ms, held ids. Claims abandoned entries, and returns the
 * id, the attempt and the payload of each, oldest first. XAUTOCLAIM is not used, because it does not return
 * the attempt, needs a cursor, and would also claim the held entries.
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
 * KEYS: stream. ARGV: group, consumer, limit, held ids. Returns the id, the attempt and the payload of each
 * entry that is claimed for the consumer and is not among the held ids. The attempt does not change.
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

/**
 * KEYS: stream. ARGV: group, idle ms, consumer to keep, idle ms of an empty queue. Removes idle consumers that
 * own no entries. The running worker calls this again and again, so its queue does not expire.
 */
export const tidyScript = script(`${expireIfEmpty}
redis.call('PERSIST', KEYS[1])
expireIfEmpty(ARGV[4])
for _, fields in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local consumer = {}
  for i = 1, #fields, 2 do consumer[fields[i]] = fields[i + 1] end
  if consumer.pending == 0 and consumer.idle >= tonumber(ARGV[2]) and consumer.name ~= ARGV[3] then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], consumer.name)
  end
end
`);

/** KEYS: stream. ARGV: group, consumer. Deletes the consumer, unless entries that it owns would be lost. */
export const leaveScript = script(`
local held = redis.pcall('XPENDING', KEYS[1], ARGV[1], '-', '+', 1, ARGV[2])
if not held.err and #held == 0 then redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2]) end
`);

/**
 * Sends a script's text, so that scripts run in the order of the calls. If only the hash were sent, a server
 * without the script would reply with an error, and later commands would run before the script.
 */
export function runOrdered(
  redis: Redis,
  { lua }: Script,
  keys: readonly string[],
  ...args: readonly ScriptArgument[]
): Promise<unknown> {
  return redis.callBuffer("EVAL", lua, keys.length, ...keys, ...args);
}

/** Sends a script's hash. If the server lacks the script, sends its text, possibly after later commands. */
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

export function script(lua: string): Script {
  return { lua, sha: createHash("sha1").update(lua).digest("hex") };
}
