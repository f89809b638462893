import type { Redis, Result } from "ioredis";
import type { HistoryLimit } from "../../history-limits.ts";
import type { StreamNames } from "./stream-format.ts";

declare module "ioredis" {
  interface RedisCommander<Context> {
    greenroomHeads(keyCount: number, ...keys: readonly string[]): Result<(string | null)[], Context>;
  }
}

/** How much longer than its stream a head stays: an idle group that is heard of again within a week begins no new epoch. */
const headOutlivesMs = 7 * 24 * 60 * 60 * 1_000;

/**
 * How long the head of a stream stays in which nothing was ever said, unless it is looked at: names of groups may be
 * chosen by anybody.
 */
const firstHeadMs = 60 * 60 * 1_000;

/** Entries of one group on their way into its stream. */
export interface Publish {
  readonly names: StreamNames;
  readonly payloads: readonly Buffer[];
  readonly limit: HistoryLimit;
  /** What tells whoever listens. On one connection it is always the same. */
  readonly command: "PUBLISH" | "SPUBLISH";
}

/** The server's clock in microseconds: as the second half of an entry's id, and as the name of a new epoch. */
const readClock = `
local time = redis.call('TIME')
local stamp = string.format('%s%06d', time[1], time[2])
`;

/**
 * Publishes some entries: the next offsets, the stream, its expiry, the head, and whoever listens, in one instant.
 *
 * A stream that is ahead of its head is what is left of a history whose head was lost: it is not the one that the
 * offsets count, so a new epoch begins. The limit is part of the text: an argument of each call would cost more than all
 * of its use.
 */
const publish = ({ limit: { capacity, expiryMs }, command }: Publish) => `${readClock}
local head = redis.call('GET', KEYS[2])
local offset, epoch
if head then offset, epoch = string.match(head, '^(%d+)%-%d+ (%d+)$') end
if not epoch then
  offset, epoch = 0, stamp
  redis.call('DEL', KEYS[1])
end
local id
local lengths = {}
for index, payload in ipairs(ARGV) do
  id = string.format('%.0f-%s', offset + index, stamp)
  local added
  if index < #ARGV then
    added = redis.pcall('XADD', KEYS[1], id, 'p', payload)
  else
    added = redis.pcall('XADD', KEYS[1], 'MAXLEN', '${capacity}', id, 'p', payload)
  end
  if type(added) == 'table' and added.err then
    -- Whatever else is wrong, a server without memory for instance, is no reason to let go of a history.
    if not string.find(added.err, 'equal or smaller', 1, true) and not string.find(added.err, 'WRONGTYPE', 1, true) then
      return added
    end
    id, offset, epoch = '1-' .. stamp, 1 - index, stamp
    redis.call('DEL', KEYS[1])
    redis.call('XADD', KEYS[1], id, 'p', payload)
  end
  lengths[index] = #payload
end
redis.call('PEXPIRE', KEYS[1], '${expiryMs}')
head = id .. ' ' .. epoch
redis.call('SET', KEYS[2], head, 'PX', '${expiryMs + headOutlivesMs}')
redis.call('${command}', KEYS[3], head .. ' ' .. table.concat(lengths, ' ') .. '\\n' .. table.concat(ARGV))
`;

/**
 * Gives the heads of streams, and makes them stay as long as they are looked at. A stream that has none gets one at offset
 * 0, so that its end shows, should it be deleted. The keys are all heads, then all streams. What is no text is in the way of a head, and has none.
 */
const heads = `${readClock}
local count = #KEYS / 2
local heads = redis.call('MGET', unpack(KEYS, 1, count))
local first = '0-0 ' .. stamp
for index = 1, count do
  if heads[index] then
    local life = string.sub(heads[index], 1, 4) == '0-0 ' and ${firstHeadMs} or ${headOutlivesMs}
    local left = redis.call('PTTL', KEYS[index])
    -- To write it each time would have to be told to replicas each time.
    if left >= 0 and left < life / 2 then redis.call('PEXPIRE', KEYS[index], life) end
  elseif redis.call('SET', KEYS[index], first, 'NX', 'PX', '${firstHeadMs}') then
    redis.call('DEL', KEYS[count + index])
    heads[index] = first
  else
    local other = redis.pcall('GET', KEYS[index])
    heads[index] = type(other) == 'string' and other
  end
end
return heads
`;

/** The scripts that publish, by limit and command: there are few. */
const texts = new Map<string, string>();

/** Makes known to a connection, as a command, the script whose order does not matter. */
export function defineStreamScripts(redis: Redis): void {
  redis.defineCommand("greenroomHeads", { lua: heads });
}

/**
 * Publishes entries of one group.
 *
 * The text of the script goes along each time: one that the server has forgotten would have to be sent again, behind
 * what was sent after it.
 */
export async function publishEntries(redis: Redis, entries: Publish): Promise<void> {
  const { names, payloads, limit, command } = entries;
  const key = `${limit.capacity} ${limit.expiryMs} ${command}`;
  let text = texts.get(key);
  if (text === undefined) {
    text = withoutIndent(publish(entries));
    texts.set(key, text);
  }
  await redis.callBuffer("EVAL", text, 3, names.stream, names.head, names.channel, ...payloads);
}

/** What the server has to read and to hash each time is as short as can be. */
function withoutIndent(lua: string): string {
  return lua.replaceAll(/^\s+(?:--.*\n\s*)?/gm, "");
}
