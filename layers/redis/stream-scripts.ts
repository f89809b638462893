import type { Redis, Result } from "ioredis";

declare module "ioredis" {
  interface RedisCommander<Context> {
    greenroomPublish(
      ...args: [
        ...keys: [stream: string, head: string, channel: string],
        ...[payload: Buffer, epoch: string, capacity: number, expiryMs: number, headExpiryMs: number],
      ]
    ): Result<null, Context>;
    greenroomBegin(
      ...args: [...keys: [stream: string, head: string], epoch: string, headExpiryMs: number]
    ): Result<string, Context>;
  }
}

/**
 * Publishes one entry: the next offset, the stream, its expiry, the head, and whoever listens, in one instant. `epoch`
 * becomes the stream's if it has none, and must never have been one before.
 *
 * A stream that is ahead of its head is what is left of a history whose head was lost: it is not the one that the
 * offsets count.
 */
const publish = `
local head = redis.call('GET', KEYS[2])
local offset, epoch
if head then offset, epoch = string.match(head, '^(%d+)%-%d+ (.+)$') end
if not epoch then
  offset, epoch = 0, ARGV[2]
  redis.call('DEL', KEYS[1])
end
local time = redis.call('TIME')
local stamp = string.format('-%s%06d', time[1], time[2])
local id = string.format('%.0f', offset + 1) .. stamp
local added = redis.pcall('XADD', KEYS[1], 'MAXLEN', ARGV[3], id, 'p', ARGV[1])
if type(added) == 'table' and added.err then
  id, epoch = '1' .. stamp, ARGV[2]
  redis.call('DEL', KEYS[1])
  redis.call('XADD', KEYS[1], id, 'p', ARGV[1])
end
redis.call('PEXPIRE', KEYS[1], ARGV[4])
head = id .. ' ' .. epoch
redis.call('SET', KEYS[2], head, 'PX', ARGV[5])
redis.call('PUBLISH', KEYS[3], head .. '\\n' .. ARGV[1])
`;

/** Gives the head of a stream, and one at offset 0 to a stream that has none: so its end shows, should it be deleted. */
const begin = `
local head = redis.call('GET', KEYS[2])
if not head then
  head = '0-0 ' .. ARGV[1]
  redis.call('DEL', KEYS[1])
  redis.call('SET', KEYS[2], head, 'PX', ARGV[2])
end
return head
`;

/** Makes the scripts known to a connection, as commands. */
export function defineStreamScripts(redis: Redis): void {
  redis.defineCommand("greenroomPublish", { lua: publish, numberOfKeys: 3 });
  redis.defineCommand("greenroomBegin", { lua: begin, numberOfKeys: 2 });
}
