import { type Script, script } from "../jobs/queue-scripts.ts";
import { listeners, type PublishCommand, want, write } from "./state-scripts.ts";

/**
 * A Lua function that stores the messages of a shipment. The arguments from `at` to `last` are: sender, facts, and then
 * for each message: facts, payload. The facts of a shipment are one text: capacity, bytes, 1 to stop at a full mailbox.
 * Those of a message: the index of its actor, number, 1 if it is an ask.
 *
 * `place` has the keys `senders`, `waiting` and `parked` (false if no actor is parked), and the numbers of KEYS and ARGV
 * before those of the first actor: `mailboxes` and `names`. `counts` and `sizes` hold the known numbers of actors in
 * `waiting`. The function reads the others, and changes them all. Their types must have been checked.
 *
 * Returns the sender's known number (see `ShipmentReply`), one letter per outcome, the new entries of each mailbox,
 * the actors whose messages are stored, and the number of these actors.
 */
export const store = `
local function store(place, counts, sizes, at, last)
  local capacity, limit, stops = string.match(ARGV[at + 1], '^(%d+) (%d+) (%d)$')
  capacity, limit = tonumber(capacity), tonumber(limit)
  local known, previous, refused = '0', '0', ''
  local sender = redis.call('HGET', place.senders, ARGV[at])
  if sender then known, previous, refused = string.match(sender, '^(%d+) %d+ (%d+)(.*)$') end
  local newer = tonumber(known)
  local time = redis.call('TIME')
  local now = string.format('%s%03d', time[1], math.floor(time[2] / 1000))
  local added, woken, outcomes = {}, {}, {}
  local highest, nowRefused, wokenCount, isRepeated = known, '', 0, last > at + 1
  for from = at + 2, last, 2 do
    local actor, number, isAsk = string.match(ARGV[from], '^(%d+) (%d+) (%d)$')
    local payload = ARGV[from + 1]
    actor = tonumber(actor)
    local key, outcome, isNew = ARGV[place.names + actor], 's', tonumber(number) > newer
    if not isNew then
      outcome = refused ~= '' and string.match(refused, ' ' .. number .. '([fp])') or 's'
    elseif isAsk == '1' and place.parked and redis.call('HEXISTS', place.parked, key) == 1 then
      outcome = 'p'
    else
      if not counts[actor] then
        local waiting = redis.call('HGET', place.waiting, key)
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
    if isNew and outcome == 'f' and stops == '1' then break end
    if isNew then highest, isRepeated = number, false end
    if outcome ~= 's' then
      nowRefused = nowRefused .. ' ' .. number .. outcome
    elseif not woken[actor] then
      woken[actor], wokenCount = true, wokenCount + 1
    end
  end
  local waiting = {}
  for actor, entries in pairs(added) do
    write('RPUSH', KEYS[place.mailboxes + actor], entries)
    waiting[#waiting + 1] = ARGV[place.names + actor]
    waiting[#waiting + 1] = counts[actor] .. ' ' .. sizes[actor]
  end
  write('HSET', place.waiting, waiting)
  if highest ~= known then previous = known end
  redis.call('HSET', place.senders, ARGV[at], highest .. ' ' .. time[1] .. ' ' .. previous .. nowRefused)
  return tonumber(isRepeated and previous or known), table.concat(outcomes), added, woken, wokenCount
end
`;

/**
 * KEYS: senders, parked, waiting, wake channel, then the mailbox of each actor. ARGV: payload of the wake for all
 * actors, then the key of each actor, and then the arguments of {@link store}. Returns the sender's known number, the
 * number of listeners, and one letter per outcome.
 *
 * The script has no flags, so that the server refuses it if its memory is full.
 */
export const shipScript = (command: PublishCommand): Script =>
  script(`${write}${want}${listeners(command)}${store}
local actors = #KEYS - 4
-- The first write to a single mailbox checks the type itself.
if actors > 1 then
  for actor = 1, actors do want(KEYS[4 + actor], 'list') end
end
local place = {senders = KEYS[1], parked = KEYS[2], waiting = KEYS[3], mailboxes = 4, names = 1}
local known, outcomes, _, woken, wokenCount = store(place, {}, {}, 2 + actors, #ARGV)
local heard
if wokenCount == 0 then
  heard = listeners(KEYS[4])
else
  local wake = ARGV[1]
  if wokenCount < actors then
    local keys = {}
    for actor in pairs(woken) do keys[#keys + 1] = ARGV[1 + actor] end
    wake = cjson.encode(keys)
  end
  heard = redis.call('${command}', KEYS[4], wake)
end
return {known, heard, outcomes}
`);
