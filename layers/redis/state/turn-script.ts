import { type Script, script } from "../jobs/queue-scripts.ts";
import { stampLength } from "./state-keys.ts";
import { allowOom, type PublishCommand, push, readClock, want } from "./state-scripts.ts";

/** The number of keys before the mailboxes. */
export const turnKeys = 8;
/** The number of arguments before the keys of actors. */
export const turnArguments = 10;

/** The optional parts of a commit. The sum of these numbers tells which parts it has. */
export const commitParts = { state: 1, view: 2, parked: 4, remove: 8, outbox: 16, dead: 32 } as const;

const maxEntries = 256;
const maxBytes = 1024 * 1024;
const maxDeadLetters = 1_000;
const { state, view, parked, remove, outbox, dead } = commitParts;

/**
 * A Lua function that returns entries of a list: at most 256, and at most 1 MiB, but at least one. `stamp` is the
 * length of the stamp of each entry. `fits` tells that the list has at most 1 MiB.
 */
const page = `
local function page(list, from, stamp, fits)
  if fits then return redis.call('LRANGE', list, from, from + ${maxEntries - 1}) end
  local found, size = {}, 0
  while #found < ${maxEntries} do
    local chunk = redis.call('LRANGE', list, from + #found, from + #found + 15)
    for _, entry in ipairs(chunk) do
      size = size + #entry - stamp
      if size > ${maxBytes} and #found > 0 then return found end
      found[#found + 1] = entry
    end
    if #chunk < 16 then break end
  end
  return found
end
`;

/**
 * KEYS: meta, state, timers, waiting, parked, loads, outbox, dead letters, then the mailbox of each actor.
 *
 * ARGV: token, number, number of commits, number of actors to put to sleep, number of takes, relayed, 1 to list
 * the waiting actors, maximum of due actors, the outbox's number to read after or '', the sum of the
 * {@link commitParts} of all commits, then the key of each actor. Then for each commit: the index of its actor, the
 * old version or '', number of messages to remove, id of the last one or '', deadline or '', the sum of its
 * {@link commitParts}, and these parts (see `commitArguments`). Then the keys of actors to put to sleep. Then for
 * each take: the index of its actor, 1 to load.
 *
 * Returns 0 if the token is not that of the owner. Otherwise one flat array, because nested ones are slow: the time,
 * the end of the outbox, the next deadline, the number of the first returned entry of the outbox, then the numbers
 * of values of the following lists. Conflicts (index and version); for each take: snapshot, loads, reason of parking,
 * number of messages in the mailbox, number of returned messages, messages; waiting actors, due actors, entries of the outbox.
 */
export const turnScript = (command: PublishCommand): Script =>
  script(`${allowOom}${readClock}${push}${want}${page}
local run = redis.call('HGET', KEYS[1], 'run')
if not run then return 0 end
local lastTurn, last, hadConflicts, token = string.match(run, '^(%d+) (%d+) (%d) (.*)$')
if token ~= ARGV[1] then return 0 end
local commits, asleep, takes = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local relayed, due, parts = tonumber(ARGV[6]), tonumber(ARGV[8]), tonumber(ARGV[10])
local isNew = tonumber(ARGV[2]) > tonumber(lastTurn)
local actors = #KEYS - ${turnKeys}
local at, counts, sizes = ${turnArguments} + actors, {}, {}
last = tonumber(last)

local function nextArgument()
  at = at + 1
  return ARGV[at]
end

-- All types are checked before the first write, because nothing is rolled back.
local earliest = redis.call('ZRANGE', KEYS[3], 0, 0, 'WITHSCORES')
local hasTimers, hasOutbox = earliest[1] ~= nil, parts % ${2 * outbox} >= ${outbox}
for actor = 1, actors do
  local waiting = redis.call('HGET', KEYS[4], ARGV[${turnArguments} + actor])
  if waiting then
    local count, size = string.match(waiting, '^(%d+) (%d+)$')
    counts[actor], sizes[actor] = tonumber(count), tonumber(size)
  else
    counts[actor], sizes[actor] = 0, 0
  end
  want(KEYS[${turnKeys} + actor], 'list')
end
local hasParked, hasLoads = false, false
if commits + asleep + takes > 0 then
  want(KEYS[2], 'hash')
  hasParked, hasLoads = want(KEYS[5], 'hash'), want(KEYS[6], 'hash')
end
if hasOutbox or relayed > 0 or ARGV[9] ~= '' then want(KEYS[7], 'list') end
if parts >= ${dead} then want(KEYS[8], 'list') end

local conflicts = {}
if not isNew and hadConflicts == '1' then
  conflicts = cmsgpack.unpack(redis.call('HGET', KEYS[1], 'conflicts'))
end

local function trim(actor, key, removed)
  redis.call('LTRIM', KEYS[${turnKeys} + actor], #removed, -1)
  local count, size = counts[actor] - #removed, sizes[actor]
  for _, entry in ipairs(removed) do size = size - #entry + ${stampLength} end
  counts[actor], sizes[actor] = count, size
  if count > 0 then
    redis.call('HSET', KEYS[4], key, count .. ' ' .. size)
  else
    redis.call('HDEL', KEYS[4], key)
  end
end

local function remove(key)
  for _, hash in ipairs({2, 5, 6}) do redis.call('HDEL', KEYS[hash], key) end
  redis.call('ZREM', KEYS[3], key)
end

local none = {}
local function payloads(isPresent)
  if not isPresent then return none end
  local list = {}
  for index = 1, tonumber(nextArgument()) do list[index] = nextArgument() end
  return list
end

for index = 0, commits - 1 do
  local actor, from, taken, lastTaken = tonumber(ARGV[at + 1]), ARGV[at + 2], tonumber(ARGV[at + 3]), ARGV[at + 4]
  local deadline, has = ARGV[at + 5], tonumber(ARGV[at + 6])
  local key = ARGV[${turnArguments} + actor]
  at = at + 6
  local state, channel, view, reason
  if has % ${2 * state} >= ${state} then state = nextArgument() end
  if has % ${2 * view} >= ${view} then channel, view = nextArgument(), nextArgument() end
  if has % ${2 * parked} >= ${parked} then reason = nextArgument() end
  local sent = payloads(has % ${2 * outbox} >= ${outbox})
  local dead = payloads(has >= ${dead})
  if isNew then
    local stored = redis.call('HGET', KEYS[2], key)
    local version = stored and string.match(stored, '^[^\\n]*') or ''
    -- A deletion of messages without an actor leaves a 0: see the script of replace.
    local isDeleted = from == '' and hasLoads and redis.call('HGET', KEYS[6], key) == '0'
    local removed = taken > 0 and redis.call('LRANGE', KEYS[${turnKeys} + actor], 0, taken - 1) or none
    local isLost = lastTaken ~= '' and string.sub(removed[taken] or '', 1, ${stampLength - 1}) ~= lastTaken
    if version ~= from or isDeleted or isLost then
      conflicts[#conflicts + 1] = index
      conflicts[#conflicts + 1] = version
    else
      if #removed > 0 then trim(actor, key, removed) end
      if has % ${2 * remove} >= ${remove} then
        remove(key)
      else
        if state then redis.call('HSET', KEYS[2], key, state) end
        if reason then
          redis.call('HSET', KEYS[5], key, reason)
          hasParked = true
        end
        if hasLoads then redis.call('HDEL', KEYS[6], key) end
        if deadline ~= '' then
          redis.call('ZADD', KEYS[3], deadline, key)
          hasTimers = true
        elseif hasTimers then
          redis.call('ZREM', KEYS[3], key)
        end
      end
      last = last + #sent
      if sent ~= none then push(KEYS[7], sent) end
      if dead ~= none then push(KEYS[8], dead) end
      if view then redis.call('${command}', channel, view) end
    end
  end
end
if isNew and parts >= ${dead} then redis.call('LTRIM', KEYS[8], -${maxDeadLetters}, -1) end
for _ = 1, asleep do
  local key = nextArgument()
  if isNew and hasLoads then redis.call('HDEL', KEYS[6], key) end
end
if isNew and commits + asleep > 0 then
  local has = #conflicts > 0 and 1 or 0
  redis.call('HSET', KEYS[1], 'run', string.format('%s %.0f %d %s', ARGV[2], last, has, token))
  if has == 1 then
    redis.call('HSET', KEYS[1], 'conflicts', cmsgpack.pack(conflicts))
  elseif hadConflicts == '1' then
    redis.call('HDEL', KEYS[1], 'conflicts')
  end
end

local reply, length = {}, 8
local function add(value)
  length = length + 1
  reply[length] = value
end
local function addAll(values)
  for index = 1, #values do reply[length + index] = values[index] end
  length = length + #values
end

addAll(conflicts)
local hasSuspect, hasLoaded = false, false
for index = 1, takes do
  local actor, load = tonumber(ARGV[at + 1]), ARGV[at + 2]
  local key = ARGV[${turnArguments} + actor]
  at = at + 2
  local isSuspect = load == '1' and hasLoads and tonumber(redis.call('HGET', KEYS[6], key) or 0) > 0
  local isLeft = isSuspect and hasSuspect
  hasSuspect = hasSuspect or isSuspect
  if load == '1' and not isLeft then
    add(redis.call('HGET', KEYS[2], key))
    if isNew then
      add(redis.call('HINCRBY', KEYS[6], key, 1))
      hasLoaded = true
    else
      add(tonumber(redis.call('HGET', KEYS[6], key) or 1))
    end
  else
    add(false)
    add(0)
  end
  add(hasParked and not isLeft and redis.call('HGET', KEYS[5], key))
  if counts[actor] > 0 and not isLeft then
    local messages = page(KEYS[${turnKeys} + actor], 0, ${stampLength}, sizes[actor] <= ${maxBytes})
    add(counts[actor])
    add(#messages)
    addAll(messages)
  else
    add(0)
    add(0)
  end
end

-- A repeated turn must not count the loads again.
if isNew and hasLoaded and commits + asleep == 0 then
  redis.call('HSET', KEYS[1], 'run', string.format('%s %.0f 0 %s', ARGV[2], last, token))
end

local entries, first = none, 0
if relayed > 0 or ARGV[9] ~= '' then
  local before = last - redis.call('LLEN', KEYS[7])
  if isNew and relayed > before and before < last then
    redis.call('LTRIM', KEYS[7], relayed - before, -1)
    before = math.min(relayed, last)
  end
  if ARGV[9] ~= '' then
    first = math.max(tonumber(ARGV[9]), before) + 1
    if first <= last then entries = page(KEYS[7], first - before - 1, 0, false) end
  end
end

local now, dueKeys, waiting = milliseconds(), none, none
if ARGV[7] == '1' then waiting = redis.call('HKEYS', KEYS[4]) end
if commits > 0 and hasTimers then earliest = redis.call('ZRANGE', KEYS[3], 0, 0, 'WITHSCORES') end
local deadline = earliest[2]
if deadline and due > 0 and tonumber(deadline) <= now then
  local timers = redis.call('ZRANGE', KEYS[3], 0, due, 'WITHSCORES')
  deadline, dueKeys = nil, {}
  for index = 1, #timers, 2 do
    if #dueKeys == due or tonumber(timers[index + 1]) > now then
      deadline = timers[index + 1]
      break
    end
    dueKeys[#dueKeys + 1] = timers[index]
  end
end
addAll(waiting)
addAll(dueKeys)
addAll(entries)
reply[1], reply[2], reply[3], reply[4] = now, last, deadline or false, first
reply[5], reply[6], reply[7], reply[8] = #conflicts, #waiting, #dueKeys, #entries
return reply
`);
