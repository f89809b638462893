import type { Redis, Result } from "ioredis";
import type { HistoryLimit } from "../../history-limits.ts";
import type { StreamNames } from "./stream-format.ts";

declare module "ioredis" {
  interface RedisCommander<Context> {
    greenroomHeads(
      keyCount: number,
      ...keysThenExpiries: readonly (string | number)[]
    ): Result<(string | null)[], Context>;
  }
}

export interface StreamLimit extends HistoryLimit {
  /** Milliseconds that the head outlives the stream. During this time, an idle group keeps its epoch. */
  readonly headExpiryMs: number;
}

export interface Publication {
  readonly names: StreamNames;
  readonly payloads: readonly Buffer[];
  readonly limit: StreamLimit;
  /** All publications on one connection use the same command. */
  readonly command: "PUBLISH" | "SPUBLISH";
}

/** Reads the server's clock in microseconds, for the second half of entry ids and the name of a new epoch. */
const readClock = `
local time = redis.call('TIME')
local stamp = string.format('%s%06d', time[1], time[2])
`;

/**
 * Publishes entries atomically. If the stream has entries that are newer than its head, the head was lost,
 * and a new epoch begins. The script's text contains the history limit, because passing the limit as an
 * argument takes more time than applying it.
 */
const publish = ({ limit: { capacity, expiryMs, headExpiryMs }, command }: Publication) => `${readClock}
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
    -- Any other error is returned: a lack of memory, for example, does not end a history.
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
redis.call('SET', KEYS[2], head, 'PX', '${expiryMs + headExpiryMs}')
redis.call('${command}', KEYS[3], head .. ' ' .. table.concat(lengths, ' ') .. '\\n' .. table.concat(ARGV))
`;

/**
 * KEYS: all heads, then all streams. ARGV: the expiry of heads, and that of heads of streams without entries.
 * Returns the heads, and extends their expiry. Creates missing heads with offset 0, so that a later deletion is
 * detected. For a head that is not a string, returns false.
 */
const heads = `${readClock}
local count = #KEYS / 2
local heads = redis.call('MGET', unpack(KEYS, 1, count))
local first = '0-0 ' .. stamp
for index = 1, count do
  if heads[index] then
    local life = string.sub(heads[index], 1, 4) == '0-0 ' and ARGV[2] or ARGV[1]
    local left = redis.call('PTTL', KEYS[index])
    -- Each write is sent to the replicas, so the expiry is extended only after half of the lifetime.
    if left >= 0 and left < tonumber(life) / 2 then redis.call('PEXPIRE', KEYS[index], life) end
  elseif redis.call('SET', KEYS[index], first, 'NX', 'PX', ARGV[2]) then
    redis.call('DEL', KEYS[count + index])
    heads[index] = first
  else
    local other = redis.pcall('GET', KEYS[index])
    heads[index] = type(other) == 'string' and other
  end
end
return heads
`;

const texts = new Map<string, string>();

export function defineStreamScripts(redis: Redis): void {
  redis.defineCommand("greenroomHeads", { lua: heads });
}

/**
 * Sends the script's text. If only the hash were sent, a server without the script would reply with an error,
 * and later publications would overtake this one.
 */
export async function publishEntries(redis: Redis, publication: Publication): Promise<void> {
  const { names, payloads, limit, command } = publication;
  const key = `${limit.capacity} ${limit.expiryMs} ${limit.headExpiryMs} ${command}`;
  let text = texts.get(key);
  if (text === undefined) {
    text = withoutIndent(publish(publication));
    texts.set(key, text);
  }
  await redis.callBuffer("EVAL", text, 3, names.stream, names.head, names.channel, ...payloads);
}

/** Removes indentation and comments, because the server reads and hashes the text each time. */
function withoutIndent(lua: string): string {
  return lua.replaceAll(/^\s+(?:--.*\n\s*)?/gm, "");
}
