import type { Spread } from "../statistics.ts";
import { type GrowthName, sendings } from "./plan.ts";
import type { Results } from "./results.ts";
import type { RowName } from "./rows.ts";

/** Something to reach: a ratio that is not to be on the wrong side of a limit. */
export interface Target extends Spread {
  readonly what: string;
  readonly limit: number;
  /** Whether the ratio is to be the limit or more; otherwise the limit or less. */
  readonly atLeast: boolean;
}

export function isReached({ median, limit, atLeast }: Target): boolean {
  return atLeast ? median >= limit : median <= limit;
}

/** Those for which enough was measured. */
export function targets(results: Results): Target[] {
  const { one, burst, many } = sendings;
  const atMost = (what: string, limit: number, ratio: Spread | undefined) =>
    target(what, limit, false, ratio);
  const atLeast = (what: string, limit: number, ratio: Spread | undefined) =>
    target(what, limit, true, ratio);
  const growth = (what: string, name: GrowthName, base: number) =>
    atMost(`CPU per delivery, ${what}`, 1.3, results.growthRatio("ours", name, base));
  const overRedis = (peer: RowName, ours: RowName, what: string) =>
    atLeast(`two nodes, ${many.title}: CPU of ${what}`, 8, results.sendRatio(many, "cpu", peer, ours));
  return [
    ...atMost(
      `${burst.title}: CPU of ours to that of uWebSockets.js`,
      1,
      results.sendRatio(burst, "cpu", "ours", "uwebsockets"),
    ),
    ...atLeast(
      `${burst.title}: CPU of Socket.IO to that of ours`,
      15,
      results.sendRatio(burst, "cpu", "socket.io", "ours"),
    ),
    ...atMost(
      `${one.title}: CPU of ours to that of bare \`net\``,
      1.05,
      results.sendRatio(one, "cpu", "ours", "net"),
    ),
    ...atMost(
      `${one.title}: p99 of ours to that of bare ws`,
      1,
      results.sendRatio(one, "p99Ms", "ours", "ws"),
    ),
    ...overRedis("socket.io-pubsub", "ours-pubsub", "Socket.IO with redis-adapter to that of pub/sub"),
    ...overRedis("socket.io-streams", "ours-pubsub", "Socket.IO with streams-adapter to that of pub/sub"),
    ...overRedis("socket.io-pubsub", "ours-streams", "Socket.IO with redis-adapter to that of streams"),
    ...overRedis("socket.io-streams", "ours-streams", "Socket.IO with streams-adapter to that of streams"),
    ...atMost("RSS of an idle connection to that with bare ws", 1.5, results.idleRatio("rss", "ours", "ws")),
    ...atMost(
      "CPU of a connection opened and closed to that with bare ws",
      1.25,
      results.idleRatio("connect", "ours", "ws"),
    ),
    ...growth("1,000 and 10,000 members to 100", "members", 100),
    ...growth("100 and 10,000 rooms to one", "rooms", 1),
  ];
}

function target(what: string, limit: number, atLeast: boolean, ratio: Spread | undefined): Target[] {
  return ratio === undefined ? [] : [{ what, limit, atLeast, ...ratio }];
}
