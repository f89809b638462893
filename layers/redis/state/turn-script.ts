import { type Script, script } from "../jobs/queue-scripts.ts";
import { store } from "./ship-script.ts";
import { stampLength } from "./state-keys.ts";
import { allowOom, type PublishCommand, readClock, want, write } from "./state-scripts.ts";

/** The number of keys before the mailboxes. */
export const turnKeys = 9;
/** The number of arguments before the keys of actors. */
export const turnArguments = 3;
/** The number of values of a reply before its lists. */
export const turnFacts = 10;

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
 * KEYS: meta, state, timers, waiting, parked, loads, outbox, dead letters, senders, then the mailbox of each actor.
 *
 * ARGV: token, facts, takes, then the key of each actor, those with commits first. Then for each commit: its facts, and
 * its {@link commitParts} (see `commitArguments`). Then the keys of actors to put to sleep. Then the arguments of
 * {@link store} if there is a shipment.
 *
 * Facts are one text, because each argument costs time on both sides. Those of a turn: number, numbers of commits and
 * of actors to put to sleep, relayed, 1 to list the waiting actors, maximum of due actors, the outbox's number to read
 * after or -, the sum of the {@link commitParts} of all commits, number of messages to store or - without a shipment,
 * number of actors with commits. Those of a commit: the index of its actor, number of messages to remove, id of the
 * last one or -, deadline or -, the sum of its {@link commitParts}, the old version. The takes: the index of each actor,
 * with a + to load it.
 *
 * Returns 0 if the token is not that of the owner. Otherwise one flat array, because nested ones are slow: the time,
 * the end of the outbox, the next deadline, the number of the first returned entry of the outbox, the known number of
 * the sender, the outcomes of its messages, then the numbers of values of the following lists. Conflicts (index and
 * version); for each take: snapshot, loads, reason of parking, number of messages in the mailbox, number of returned
 * messages, messages; waiting actors, due actors, entries of the outbox.
 *
 * @param ships whether the script stores messages. The server refuses such a script if its memory is full.
 */
export const turnScript = (command: PublishCommand, ships: boolean): Script =>
  script(`${ships ? "#!lua\n" : allowOom}${readClock}${write}${want}${page}${store}
local run = redis.call('HGET', KEYS[1], 'run')
if not run then return 0 end
local lastTurn, last, hadConflicts, token = string.match(run, '^(%d+) (%d+) (%d) (.*)$')
if token ~= ARGV[1] then return 0 end
local number, commits, asleep, relayed, lists, due, after, parts, messages, committing =
  string.match(ARGV[2], '^' .. string.rep('(%S+) ', 9) .. '(%S+)$')
commits, asleep, relayed, due, after = tonumber(commits), tonumber(asleep), tonumber(relayed), tonumber(due), tonumber(after)
parts, messages, committing = tonumber(parts), tonumber(messages), tonumber(committing)
local takes = ARGV[3]
local isNew = tonumber(number) > tonumber(lastTurn)
local actors = #KEYS - ${turnKeys}
local at, counts, sizes = ${turnArguments} + actors, {}, {}
last = tonumber(last)

local function nextArgument()
  at = at + 1
  return ARGV[at]
end

-- The values of the first actors in a hash.
local function valuesOf(hash, count)
  local values = {}
  for from = 1, count, 1000 do
    local first = ${turnArguments} + from
    local part = redis.call('HMGET', hash, unpack(ARGV, first, math.min(first + 999, ${turnArguments} + count)))
    for index = 1, #part do values[from + index - 1] = part[index] end
  end
  return values
end

-- All types are checked before the first write, because nothing is rolled back.
local earliest = redis.call('ZRANGE', KEYS[3], 0, 0, 'WITHSCORES')
local hasTimers, hasOutbox = earliest[1] ~= nil, parts % ${2 * outbox} >= ${outbox}
for actor, waiting in ipairs(valuesOf(KEYS[4], actors)) do
  local count, size = string.match(waiting or '0 0', '^(%d+) (%d+)$')
  counts[actor], sizes[actor] = tonumber(count), tonumber(size)
  want(KEYS[${turnKeys} + actor], 'list')
end
local hasParked, hasLoads = false, false
if commits + asleep > 0 or takes ~= '' or messages then
  want(KEYS[2], 'hash')
  hasParked, hasLoads = want(KEYS[5], 'hash'), want(KEYS[6], 'hash')
end
if hasOutbox or relayed > 0 or after then want(KEYS[7], 'list') end
if parts >= ${dead} then want(KEYS[8], 'list') end
if messages then want(KEYS[9], 'hash') end

local conflicts = {}
if not isNew and hadConflicts == '1' then
  conflicts = cmsgpack.unpack(redis.call('HGET', KEYS[1], 'conflicts'))
end

local none = {}
local function payloads(isPresent)
  if not isPresent then return none end
  local list = {}
  for index = 1, tonumber(nextArgument()) do list[index] = nextArgument() end
  return list
end
local function append(list, value, more)
  list[#list + 1] = value
  list[#list + 1] = more
end
local function appendAll(list, values)
  for _, value in ipairs(values) do list[#list + 1] = value end
end

-- The commits only change these tables, which are then written with one command each.
local versions = valuesOf(KEYS[2], isNew and committing or 0)
for actor, stored in ipairs(versions) do versions[actor] = stored and string.match(stored, '^[^\\n]*') or '' end
local changed, trimmed, states, reasons, deadlines = {}, {}, {}, {}, {}
local allSent, allDead, views = {}, {}, {}

for index = 0, commits - 1 do
  local actor, taken, lastTaken, deadline, has, from =
    string.match(nextArgument(), '^(%d+) (%d+) (%S+) (%S+) (%d+) (.*)$')
  actor, taken, has = tonumber(actor), tonumber(taken), tonumber(has)
  local state, channel, view, reason
  if has % ${2 * state} >= ${state} then state = nextArgument() end
  if has % ${2 * view} >= ${view} then channel, view = nextArgument(), nextArgument() end
  if has % ${2 * parked} >= ${parked} then reason = nextArgument() end
  local sent = payloads(has % ${2 * outbox} >= ${outbox})
  local dead = payloads(has >= ${dead})
  if isNew then
    local key, version, start = ARGV[${turnArguments} + actor], versions[actor], trimmed[actor] or 0
    -- A deletion of messages without an actor leaves a 0: see the script of replace.
    local isDeleted = from == '' and hasLoads and not changed[actor] and redis.call('HGET', KEYS[6], key) == '0'
    local removed = taken > 0 and redis.call('LRANGE', KEYS[${turnKeys} + actor], start, start + taken - 1) or none
    local isLost = lastTaken ~= '-' and string.sub(removed[taken] or '', 1, ${stampLength - 1}) ~= lastTaken
    if version ~= from or isDeleted or isLost then
      append(conflicts, index, version)
    else
      changed[actor], trimmed[actor], deadlines[actor] = true, start + #removed, deadline
      counts[actor] = counts[actor] - #removed
      for _, entry in ipairs(removed) do sizes[actor] = sizes[actor] - #entry + ${stampLength} end
      if has % ${2 * remove} >= ${remove} then
        versions[actor], states[actor], reasons[actor], deadlines[actor] = '', false, false, '-'
      else
        if state then versions[actor], states[actor] = string.match(state, '^[^\\n]*'), state end
        if reason then reasons[actor] = reason end
      end
      last = last + #sent
      appendAll(allSent, sent)
      appendAll(allDead, dead)
      if view then append(views, channel, view) end
    end
  end
end

if isNew then
  local emptied, left, stored, gone, parkedNow, resumed, timed, idle, ended = {}, {}, {}, {}, {}, {}, {}, {}, {}
  for actor in pairs(changed) do
    local key = ARGV[${turnArguments} + actor]
    local state, reason, deadline = states[actor], reasons[actor], deadlines[actor]
    if trimmed[actor] > 0 then
      if counts[actor] > 0 then
        redis.call('LTRIM', KEYS[${turnKeys} + actor], trimmed[actor], -1)
        append(left, key, counts[actor] .. ' ' .. sizes[actor])
      else
        redis.call('DEL', KEYS[${turnKeys} + actor])
        append(emptied, key)
      end
    end
    if state == false then append(gone, key) elseif state then append(stored, key, state) end
    if reason == false then append(resumed, key) elseif reason then append(parkedNow, key, reason) end
    if deadline ~= '-' then append(timed, deadline, key) else append(idle, key) end
    append(ended, key)
  end
  write('HDEL', KEYS[4], emptied)
  write('HSET', KEYS[4], left)
  write('HDEL', KEYS[2], gone)
  write('HSET', KEYS[2], stored)
  write('HDEL', KEYS[5], resumed)
  write('HSET', KEYS[5], parkedNow)
  hasParked = hasParked or #parkedNow > 0
  if hasTimers then write('ZREM', KEYS[3], idle) end
  write('ZADD', KEYS[3], timed)
  hasTimers = hasTimers or #timed > 0
  write('RPUSH', KEYS[7], allSent)
  write('RPUSH', KEYS[8], allDead)
  if #allDead > 0 then redis.call('LTRIM', KEYS[8], -${maxDeadLetters}, -1) end
  for index = 1, #views, 2 do redis.call('${command}', views[index], views[index + 1]) end
  for index = 1, asleep do append(ended, ARGV[at + index]) end
  if hasLoads then write('HDEL', KEYS[6], ended) end
end
at = at + asleep
if isNew and commits + asleep > 0 then
  local has = #conflicts > 0 and 1 or 0
  redis.call('HSET', KEYS[1], 'run', string.format('%s %.0f %d %s', number, last, has, token))
  if has == 1 then
    redis.call('HSET', KEYS[1], 'conflicts', cmsgpack.pack(conflicts))
  elseif hadConflicts == '1' then
    redis.call('HDEL', KEYS[1], 'conflicts')
  end
end

local known, outcomes, added = 0, '', none
if messages then
  local place = {
    senders = KEYS[9], waiting = KEYS[4], parked = hasParked and KEYS[5],
    mailboxes = ${turnKeys}, names = ${turnArguments},
  }
  known, outcomes, added = store(place, counts, sizes, at + 1, #ARGV)
end

local reply, length = {}, ${turnFacts}
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
for index, load in string.gmatch(takes, '(%d+)(%+?)') do
  local actor = tonumber(index)
  local key = ARGV[${turnArguments} + actor]
  local isSuspect = load == '+' and hasLoads and tonumber(redis.call('HGET', KEYS[6], key) or 0) > 0
  local isLeft = isSuspect and hasSuspect
  hasSuspect = hasSuspect or isSuspect
  if load == '+' and not isLeft then
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
    local messages, fits = added[actor] or none, sizes[actor] <= ${maxBytes}
    if not fits or #messages < counts[actor] or #messages > ${maxEntries} then
      messages = page(KEYS[${turnKeys} + actor], 0, ${stampLength}, fits)
    end
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
  redis.call('HSET', KEYS[1], 'run', string.format('%s %.0f 0 %s', number, last, token))
end

local entries, first = none, 0
if relayed > 0 or after then
  local before = last - redis.call('LLEN', KEYS[7])
  if isNew and relayed > before and before < last then
    redis.call('LTRIM', KEYS[7], relayed - before, -1)
    before = math.min(relayed, last)
  end
  if after then
    first = math.max(after, before) + 1
    if first <= last then entries = page(KEYS[7], first - before - 1, 0, false) end
  end
end

local now, dueKeys, waiting = milliseconds(), none, none
if lists == '1' then waiting = redis.call('HKEYS', KEYS[4]) end
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
reply[5], reply[6] = known, outcomes
reply[7], reply[8], reply[9], reply[10] = #conflicts, #waiting, #dueKeys, #entries
return reply
`);
