import type { Redis, Result } from "ioredis";

declare module "ioredis" {
  interface RedisCommander<Context> {
    greenroomPublish(stream: string, head: string, channel: string, payload: Buffer): Result<null, Context>;
    greenroomBegin(stream: string, head: string): Result<string, Context>;
  }
}

/** What is part of the scripts' text: an argument of each call would cost more than all of its use. */
export interface StreamLimits {
  readonly capacity: number;
  readonly expiryMs: number;
  readonly headExpiryMs: number;
  /** The command that tells whoever listens: on a cluster, those of the stream's shard. */
  readonly publish: "PUBLISH" | "SPUBLISH";
}

/** The server's clock in microseconds: as the second half of an entry's id, and as the name of a new epoch. */
const readClock = `
local time = redis.call('TIME')
local stamp = string.format('%s%06d', time[1], time[2])
`;

/**
 * Publishes one entry: the next offset, the stream, its expiry, the head, and whoever listens, in one instant.
 *
 * A stream that is ahead of its head is what is left of a history whose head was lost: it is not the one that the
 * offsets count, so a new epoch begins.
 */
const publish = ({ capacity, expiryMs, headExpiryMs, publish: command }: StreamLimits) => `${readClock}
local head = redis.call('GET', KEYS[2])
local offset, epoch
if head then offset, epoch = string.match(head, '^(%d+)%-%d+ (%d+)$') end
if not epoch then
  offset, epoch = 0, stamp
  redis.call('DEL', KEYS[1])
end
local id = string.format('%.0f-%s', offset + 1, stamp)
local added = redis.pcall('XADD', KEYS[1], 'MAXLEN', '${capacity}', id, 'p', ARGV[1])
if type(added) == 'table' and added.err then
  id, epoch = '1-' .. stamp, stamp
  redis.call('DEL', KEYS[1])
  redis.call('XADD', KEYS[1], id, 'p', ARGV[1])
end
redis.call('PEXPIRE', KEYS[1], '${expiryMs}')
head = id .. ' ' .. epoch
redis.call('SET', KEYS[2], head, 'PX', '${headExpiryMs}')
redis.call('${command}', KEYS[3], head .. '\\n' .. ARGV[1])
`;

/** Gives the head of a stream, and one at offset 0 to a stream that has none: so its end shows, should it be deleted. */
const begin = ({ headExpiryMs }: StreamLimits) => `${readClock}
local head = redis.call('GET', KEYS[2])
if not head then
  head = '0-0 ' .. stamp
  redis.call('DEL', KEYS[1])
  redis.call('SET', KEYS[2], head, 'PX', '${headExpiryMs}')
end
return head
`;

/** Makes the scripts known to a connection, as commands. */
export function defineStreamScripts(redis: Redis, limits: StreamLimits): void {
  redis.defineCommand("greenroomPublish", { lua: publish(limits), numberOfKeys: 3 });
  redis.defineCommand("greenroomBegin", { lua: begin(limits), numberOfKeys: 2 });
}
