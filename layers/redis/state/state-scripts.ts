import { script } from "../jobs/queue-scripts.ts";

export type PublishCommand = "PUBLISH" | "SPUBLISH";

/** The first line of scripts that the server executes even if its memory is full. Requires Redis 7. */
export const allowOom = "#!lua flags=allow-oom\n";

/** A Lua function that returns the time of the server's clock in milliseconds. */
export const readClock = `
local function milliseconds()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
`;

/** A Lua function that returns whether a key exists. Fails if it has another type. */
export const want = `
local function want(key, kind)
  local found = redis.call('TYPE', key).ok
  if found == kind then return true end
  if found == 'none' then return false end
  error({err = 'WRONGTYPE The key ' .. key .. ' is a ' .. found .. ', not a ' .. kind})
end
`;

/** A Lua function that calls a command with values, in parts: one call cannot have more than some 8,000 values. */
export const write = `
local function write(command, key, values)
  for from = 1, #values, 1000 do
    redis.call(command, key, unpack(values, from, math.min(from + 999, #values)))
  end
end
`;

/** A Lua function that returns the number of connections that are subscribed to a channel. */
export const listeners = (command: PublishCommand): string => `
local function listeners(channel)
  return redis.call('PUBSUB', '${command === "PUBLISH" ? "NUMSUB" : "SHARDNUMSUB"}', channel)[2]
end
`;

const maxSenders = 1_000;
const forgetAfterSeconds = 86_400;

/** The scripts of a partition and of a kind, except `ship` and `turn`. */
export function stateScripts(command: PublishCommand) {
  return {
    /** KEYS: partitions. ARGV: count. Returns the stored count. */
    partitions: script(`
redis.call('SET', KEYS[1], ARGV[1], 'NX')
return redis.call('GET', KEYS[1])
`),

    /**
     * KEYS: members, beats, versions, channel. ARGV: beginning of the channels of presence. With a beat: node,
     * version, lease ms. Returns the members (node, version), and the versions (index,
     * version).
     *
     * A member is silent if it does not listen to its channel of presence. After a change of the server, all members
     * are silent until they have subscribed again. So silence counts only once a lease has passed after the change.
     */
    beat: script(`${allowOom}${readClock}
local now, node, lease = milliseconds(), ARGV[2], tonumber(ARGV[4] or 0)
local stored = redis.call('HGETALL', KEYS[1])
local beats = redis.call('HMGET', KEYS[2], 'last', 'server', 'trust')
local versions = redis.call('HGETALL', KEYS[3])
local server, trust = beats[2], tonumber(beats[3] or 0)

local names, channels, facts = {}, {}, {}
for index = 1, #stored, 2 do
  local name = stored[index]
  names[#names + 1] = name
  channels[#channels + 1] = ARGV[1] .. name
  facts[name] = stored[index + 1]
end
local silent, isSilent = {}, false
for from = 1, #channels, 1000 do
  local counts = redis.call('PUBSUB', '${command === "PUBLISH" ? "NUMSUB" : "SHARDNUMSUB"}',
    unpack(channels, from, math.min(from + 999, #channels)))
  for index = 2, #counts, 2 do
    local name = names[from - 1 + index / 2]
    if counts[index] == 0 and name ~= node then silent[name], isSilent = true, true end
  end
end
if isSilent or not server then
  local info = redis.pcall('INFO', 'server')
  local id = type(info) == 'string' and string.match(info, 'run_id:(%w+)') or '-'
  if server and server ~= id then trust = now + math.max(lease, 1000) end
  server = id
end
if now < trust then silent = {} end

local members, isChanged = {}, false
if node then
  local gap = now - tonumber(beats[1] or now)
  if gap <= lease / 2 then gap = 0 end
  isChanged = not facts[node]
  if isChanged then names[#names + 1] = node end
  facts[node] = ARGV[3] .. ' ' .. string.format('%.0f', now + lease - gap)
  for _, name in ipairs(names) do
    local version, ending = string.match(facts[name], '^(%d+) (%d+)$')
    ending = tonumber(ending) + gap
    if name ~= node and (silent[name] or ending <= now) then
      redis.call('HDEL', KEYS[1], name)
      silent[name], isChanged = true, true
    elseif name == node or gap > 0 then
      redis.call('HSET', KEYS[1], name, version .. ' ' .. string.format('%.0f', ending))
    end
  end
  redis.call('HSET', KEYS[2], 'last', string.format('%.0f', now), 'server', server,
    'trust', string.format('%.0f', trust))
  if isChanged then redis.call('${command}', KEYS[4], '') end
end
for _, name in ipairs(names) do
  if not silent[name] then
    members[#members + 1] = name
    members[#members + 1] = string.match(facts[name], '^%d+')
  end
end
return {members, versions}
`),

    /** KEYS: members, channel. ARGV: node. */
    leave: script(`
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('${command}', KEYS[2], '')
return 1
`),

    /** KEYS: versions. ARGV: index, version. */
    raise: script(`${allowOom}
if tonumber(ARGV[2]) > tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or 1) then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
end
return 1
`),

    /**
     * KEYS: meta, senders, wake channel. ARGV: node, token, version, dead nodes. Returns an outcome, and then the
     * owner or the newer version.
     */
    claim: script(`${allowOom}${listeners(command)}
local meta = redis.call('HMGET', KEYS[1], 'run', 'node', 'version', 'end')
if tonumber(ARGV[3]) < tonumber(meta[3] or 1) then return {'newer', meta[3]} end
local last, token = meta[4] or '0', nil
if meta[1] then
  last, token = string.match(meta[1], '^%d+ (%d+) %d (.*)$')
  if token == ARGV[2] then return {'mine'} end
  local isFree = listeners(KEYS[3]) == 0
  for index = 4, #ARGV do isFree = isFree or ARGV[index] == meta[2] end
  if not isFree then return {'theirs', meta[2]} end
end
if redis.call('HLEN', KEYS[2]) > ${maxSenders} then
  local before = redis.call('TIME')[1] - ${forgetAfterSeconds}
  local senders = redis.call('HGETALL', KEYS[2])
  for index = 1, #senders, 2 do
    local at = string.match(senders[index + 1], '^%d+ (%d+)')
    if tonumber(at) < before then redis.call('HDEL', KEYS[2], senders[index]) end
  end
end
local run = '0 ' .. last .. ' 0 ' .. ARGV[2]
redis.call('HSET', KEYS[1], 'run', run, 'node', ARGV[1], 'version', ARGV[3])
redis.call('HDEL', KEYS[1], 'conflicts', 'end')
if meta[1] then redis.call('${command}', KEYS[3], '') end
return {'mine'}
`),

    /** KEYS: meta, loads. ARGV: token. */
    release: script(`${allowOom}
local run = redis.call('HGET', KEYS[1], 'run')
if not run then return 0 end
local last, token = string.match(run, '^%d+ (%d+) %d (.*)$')
if token ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'end', last)
redis.call('HDEL', KEYS[1], 'run', 'node', 'conflicts')
redis.call('DEL', KEYS[2])
return 1
`),

    /** KEYS: state, waiting, parked, timers. ARGV: key. */
    read: script(`${readClock}
local waiting = redis.call('HGET', KEYS[2], ARGV[1])
return {
  redis.call('HGET', KEYS[1], ARGV[1]),
  string.match(waiting or '0', '^%d+'),
  redis.call('HGET', KEYS[3], ARGV[1]),
  redis.call('ZSCORE', KEYS[4], ARGV[1]),
  milliseconds(),
}
`),

    /**
     * KEYS: state, timers, waiting, parked, loads, mailbox, wake channel. ARGV: key, wake payload, deadline or '',
     * 1 if there is a snapshot, snapshot, channel and payload of the view if there is one. Returns the messages.
     */
    replace: script(`${want}
for index = 1, 5 do want(KEYS[index], index == 2 and 'zset' or 'hash') end
local messages = redis.call('LRANGE', KEYS[6], 0, -1)
local isUnborn = redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0
-- The server may refuse the first write if its memory is full. It does not refuse later ones.
if ARGV[4] == '1' then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[5])
else
  redis.call('HDEL', KEYS[1], ARGV[1])
end
if ARGV[3] == '' then
  redis.call('ZREM', KEYS[2], ARGV[1])
else
  redis.call('ZADD', KEYS[2], ARGV[3], ARGV[1])
end
for index = 3, 5 do redis.call('HDEL', KEYS[index], ARGV[1]) end
redis.call('DEL', KEYS[6])
-- The owner may have taken these messages. Its commit must not remove later ones in their place.
if isUnborn and #messages > 0 then redis.call('HSET', KEYS[5], ARGV[1], 0) end
if ARGV[6] then redis.call('${command}', ARGV[6], ARGV[7]) end
redis.call('${command}', KEYS[7], ARGV[2])
return messages
`),

    /**
     * KEYS: parked, wake channel, state, timers. ARGV: key, wake payload. Returns whether the actor was parked (1 or 0).
     * The deadline lets the next owner find the actor if no node hears the wake.
     */
    resume: script(`${allowOom}${readClock}
local was = redis.call('HDEL', KEYS[1], ARGV[1])
if was == 1 and redis.call('HEXISTS', KEYS[3], ARGV[1]) == 1 then
  redis.call('ZADD', KEYS[4], milliseconds(), ARGV[1])
end
redis.call('${command}', KEYS[2], ARGV[2])
return was
`),

    /** KEYS: meta, state, waiting, parked, dead letters, outbox, timers. */
    describe: script(`${readClock}
local meta = redis.call('HMGET', KEYS[1], 'node', 'version')
local names, parked = redis.call('HKEYS', KEYS[4]), {}
for index = 1, math.min(#names, 100) do
  parked[2 * index - 1], parked[2 * index] = names[index], redis.call('HGET', KEYS[4], names[index])
end
return {
  meta[1],
  meta[2],
  redis.call('HLEN', KEYS[2]),
  redis.call('HLEN', KEYS[3]),
  #names,
  parked,
  redis.call('LLEN', KEYS[5]),
  redis.call('LLEN', KEYS[6]),
  redis.call('ZRANGE', KEYS[7], 0, 0, 'WITHSCORES')[2] or false,
  milliseconds(),
}
`),
  };
}
