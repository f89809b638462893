import { type Script, script } from "../jobs/queue-scripts.ts";
import { listeners, type PublishCommand, push, want } from "./state-scripts.ts";

/**
 * KEYS: senders, parked, waiting, wake channel, then the mailbox of each actor. ARGV: sender, capacity, bytes,
 * 1 to stop at a full mailbox, payload of the wake for all actors, then the key of each actor, and then for each
 * message: the index of its actor, number, 1 if it is an ask, payload. Returns the sender's known number (see
 * `ShipmentReply`), the number of listeners, and one letter per outcome.
 *
 * The script has no flags, so that the server refuses it if its memory is full.
 */
export const shipScript = (command: PublishCommand): Script =>
  script(`${push}${want}${listeners(command)}
local actors, capacity, limit = #KEYS - 4, tonumber(ARGV[2]), tonumber(ARGV[3])
local last, previous, refused = '0', '0', ''
local sender = redis.call('HGET', KEYS[1], ARGV[1])
if sender then last, previous, refused = string.match(sender, '^(%d+) %d+ (%d+)(.*)$') end
local newer = tonumber(last)
local time = redis.call('TIME')
local now = string.format('%s%03d', time[1], math.floor(time[2] / 1000))
local counts, sizes, added, woken, outcomes = {}, {}, {}, {}, {}
local highest, nowRefused, wokenCount, isRepeated = last, '', 0, #ARGV > 5 + actors
for at = 6 + actors, #ARGV, 4 do
  local actor, number, payload = tonumber(ARGV[at]), ARGV[at + 1], ARGV[at + 3]
  local key, outcome, isNew = ARGV[5 + actor], 's', tonumber(number) > newer
  if not isNew then
    outcome = refused ~= '' and string.match(refused, ' ' .. number .. '([fp])') or 's'
  elseif ARGV[at + 2] == '1' and redis.call('HEXISTS', KEYS[2], key) == 1 then
    outcome = 'p'
  else
    if not counts[actor] then
      local waiting = redis.call('HGET', KEYS[3], key)
      local count, size = string.match(waiting or '0 0', '^(%d+) (%d+)$')
      counts[actor], sizes[actor] = tonumber(count), tonumber(size)
    end
    if counts[actor] >= capacity or sizes[actor] + #payload > limit then
      outcome = 'f'
    else
      counts[actor], sizes[actor] = counts[actor] + 1, sizes[actor] + #payload
      local entries = added[actor] or {}
      entries[#entries + 1] = string.format('%s-%06d:', now, tonumber(number) % 1000000) .. payload
      added[actor] = entries
    end
  end
  outcomes[#outcomes + 1] = outcome
  if isNew and outcome == 'f' and ARGV[4] == '1' then break end
  if isNew then highest, isRepeated = number, false end
  if outcome ~= 's' then
    nowRefused = nowRefused .. ' ' .. number .. outcome
  elseif not woken[actor] then
    woken[actor], wokenCount = true, wokenCount + 1
  end
end
-- The first write to a single mailbox checks the type itself.
if actors > 1 then
  for actor in pairs(added) do want(KEYS[4 + actor], 'list') end
end
for actor, entries in pairs(added) do
  push(KEYS[4 + actor], entries)
  redis.call('HSET', KEYS[3], ARGV[5 + actor], counts[actor] .. ' ' .. sizes[actor])
end
if highest ~= last then previous = last end
redis.call('HSET', KEYS[1], ARGV[1], highest .. ' ' .. time[1] .. ' ' .. previous .. nowRefused)
local heard
if wokenCount == 0 then
  heard = listeners(KEYS[4])
else
  local wake = ARGV[5]
  if wokenCount < actors then
    local keys = {}
    for actor in pairs(woken) do keys[#keys + 1] = ARGV[5 + actor] end
    wake = cjson.encode(keys)
  end
  heard = redis.call('${command}', KEYS[4], wake)
end
return {tonumber(isRepeated and previous or last), heard, table.concat(outcomes)}
`);
