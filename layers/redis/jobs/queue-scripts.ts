import { createHash } from "node:crypto";
import type { Redis } from "ioredis";
import { deadSuffix } from "../../names.ts";
import { buryingSuffix } from "./consumer-names.ts";

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
 * consumer may have lost the entry and then claimed it again as a later attempt. Fails with NOGROUP if the queue
 * has vanished.
 */
const owns = `
local function owns(id, consumer, attempt)
  local entry = redis.call('XPENDING', KEYS[1], ARGV[1], id, id, 1)[1]
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

/** The number of senders in one of the two hashes of {@link enqueueOnceScript}. */
export const sendersInHash = 1_000;

const sendersMs = 7 * 24 * 60 * 60 * 1_000;

/**
 * KEYS: stream, a hash with the highest number of each sender, the hash before that. ARGV: capacity, payload, sender,
 * number. Like {@link enqueueScript}, but returns 1 without adding an entry if the number of the sender is not higher
 * than before. A full hash replaces the one before it, so that the hashes stay small.
 */
export const enqueueOnceScript = script(`
local known = redis.call('HGET', KEYS[2], ARGV[3])
local last = known or redis.call('HGET', KEYS[3], ARGV[3])
if last and tonumber(last) >= tonumber(ARGV[4]) then return 1 end
if redis.call('XLEN', KEYS[1]) >= tonumber(ARGV[1]) then return 0 end
if not known and redis.call('HLEN', KEYS[2]) >= ${sendersInHash} then redis.call('RENAME', KEYS[2], KEYS[3]) end
redis.call('HSET', KEYS[2], ARGV[3], ARGV[4])
redis.call('PEXPIRE', KEYS[2], '${sendersMs}')
redis.call('XADD', KEYS[1], '*', 'payload', ARGV[2])
redis.call('PERSIST', KEYS[1])
return 1
`);

/** The hashes of {@link enqueueOnceScript}. The name of a channel contains no colon, so no queue has these keys. */
export const senderKeys = (stream: string) => [`${stream}:senders`, `${stream}:senders:before`] as const;

/**
 * KEYS: stream. ARGV: group, id, the consumer that holds the entry, or '' if it certainly does, idle ms of an empty
 * queue. Removes the entry, even if another worker has taken it over. Returns 0 if another worker has removed the
 * entry or is burying it, and 1 otherwise. Fails with NOGROUP if the queue has vanished.
 */
export const doneScript = script(`${expireIfEmpty}
if ARGV[3] ~= '' then
  local entry = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[2], ARGV[2], 1)[1]
  if entry and entry[2] ~= ARGV[3] and string.find(entry[2], '${buryingSuffix}', 1, true) then return 0 end
end
redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
local removed = redis.call('XDEL', KEYS[1], ARGV[2])
if removed == 0 then redis.call('XPENDING', KEYS[1], ARGV[1]) end
expireIfEmpty(ARGV[4])
return removed
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

/**
 * KEYS: stream. ARGV: group, consumer, id, attempt, new consumer, new attempt. Returns 0 if `owns` is false.
 * A repeated call returns 1, because the reply to the first one may have been lost.
 */
export const claimScript = script(`${owns}
local isOurs = owns(ARGV[3], ARGV[2], ARGV[4]) or owns(ARGV[3], ARGV[5], ARGV[6])
if not isOurs then return 0 end
redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[5], 0, ARGV[3], 'RETRYCOUNT', ARGV[6], 'JUSTID')
return 1
`);

/**
 * KEYS: stream. ARGV: group, then the id, the consumer and the attempt of each entry. Renews the claims.
 * Returns the ids of the entries that their consumers do not own.
 */
export const renewScript = script(`${owns}
local lost = {}
for i = 2, #ARGV, 3 do
  if owns(ARGV[i], ARGV[i + 1], ARGV[i + 2]) then
    redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[i + 1], 0, ARGV[i], 'JUSTID')
  else
    lost[#lost + 1] = ARGV[i]
  end
end
return lost
`);

/** The maximum number of entries that a script handles at a time. */
const manyEntries = 5_000;

/**
 * KEYS: stream. ARGV: group, consumers. Renews all claims of the consumers, which is their life sign. JUSTID
 * keeps the number of deliveries.
 */
export const lifeSignScript = script(`
for i = 2, #ARGV do
  local ids = {}
  for _, entry in ipairs(redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', ${manyEntries}, ARGV[i])) do
    ids[#ids + 1] = entry[1]
  end
  ids[#ids + 1] = 'JUSTID'
  if #ids > 1 then redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[i], 0, unpack(ids)) end
end
return 1
`);

/**
 * KEYS: stream. ARGV: group, the consumer of orphans, idle ms. Returns whether there are orphans (1 or 0), and
 * then the holder of each entry whose claim was not renewed for the idle time. Holders may be repeated.
 */
export const silentScript = script(`
local found = {#redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 1, ARGV[2])}
for _, entry in ipairs(redis.call('XPENDING', KEYS[1], ARGV[1], 'IDLE', ARGV[3], '-', '+', ${manyEntries})) do
  found[#found + 1] = entry[2]
end
return found
`);

/**
 * KEYS: stream. ARGV: group, consumer, the consumer of orphans, idle ms, dead consumers. Moves the entries of
 * the dead consumers to the consumer of orphans, except those of consumers that have renewed a claim within the
 * idle time. Then claims the oldest orphan. Returns its id, attempt and payload in a list, which may be empty.
 *
 * The death counts as an attempt if the entry may have caused it: if it was the only entry of its process, or
 * ran alone. Otherwise only the first delivery counts, so that the next one is not the first.
 */
export const takeOverScript = script(`
local function process(name) return string.match(name, '^[^-]*') end
-- The names of consumers whose entries do not run with others have a second dash.
local function isSuspect(name) return string.find(name, '-.*-') end
local idle, died, held = tonumber(ARGV[4]), {}, {}
for i = 5, #ARGV do
  local entries = redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', ${manyEntries}, ARGV[i])
  local isDead = true
  for _, entry in ipairs(entries) do isDead = isDead and entry[3] >= idle end
  if isDead then
    died[ARGV[i]] = entries
    held[process(ARGV[i])] = (held[process(ARGV[i])] or 0) + #entries
  end
end
for name, entries in pairs(died) do
  local isBlamed = isSuspect(name) or held[process(name)] == 1
  for _, entry in ipairs(entries) do
    local attempt = isBlamed and entry[4] + 1 or math.max(entry[4], 2)
    redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[3], 0, entry[1], 'RETRYCOUNT', attempt, 'JUSTID')
  end
end
local orphan = redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 1, ARGV[3])[1]
if not orphan then return {} end
local claimed = redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, orphan[1], 'RETRYCOUNT', orphan[4])[1]
return claimed and {{claimed[1], orphan[4], claimed[2][2]}} or {}
`);

/**
 * KEYS: stream. ARGV: group, the consumer of returned jobs, idle ms, dead consumers. Returns the entries of the dead
 * consumers to the queue, except those of consumers that have renewed a claim within the idle time. No handler of
 * these entries was running, so their deaths do not count.
 */
export const returnScript = script(`
for i = 4, #ARGV do
  local ids, isDead = {}, true
  for _, entry in ipairs(redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', ${manyEntries}, ARGV[i])) do
    ids[#ids + 1] = entry[1]
    isDead = isDead and entry[3] >= tonumber(ARGV[3])
  end
  ids[#ids + 1] = 'JUSTID'
  if isDead and #ids > 1 then redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, unpack(ids)) end
end
return 1
`);

/**
 * KEYS: stream. ARGV: group, consumer, limit, number of own consumers, own consumers, the consumer of returned
 * jobs, held ids. Claims for the consumer what its own consumers hold and is not among the held ids, because
 * a reply was lost, and then returned jobs. Returns the id, the attempt and the payload of each entry. The
 * attempt changes only for returned jobs.
 */
export const collectScript = script(`
local held, found, limit, own = {}, {}, tonumber(ARGV[3]), tonumber(ARGV[4])
for i = 6 + own, #ARGV do held[ARGV[i]] = true end
for i = 5, 5 + own do
  local added = i == 5 + own and 1 or 0
  for _, entry in ipairs(redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', limit + #ARGV, ARGV[i])) do
    if #found < limit and not held[entry[1]] then
      local attempt = entry[4] + added
      local claimed = redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, entry[1], 'RETRYCOUNT', attempt)[1]
      if claimed then found[#found + 1] = {claimed[1], attempt, claimed[2][2]} end
    end
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

/** KEYS: stream. ARGV: group, consumers. Deletes the consumers, except those whose entries would be lost. */
export const leaveScript = script(`
for i = 2, #ARGV do
  local held = redis.pcall('XPENDING', KEYS[1], ARGV[1], '-', '+', 1, ARGV[i])
  if not held.err and #held == 0 then redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[i]) end
end
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
