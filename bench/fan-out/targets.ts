import type { Results } from "../harness/results.ts";
import { atLeast, atMost, type Target } from "../harness/tables.ts";
import { busy, idleTitle, roomSizes, type Sending, senderCounts, sendingTitle, single } from "./plan.ts";
import type { RowName } from "./rows.ts";

/** The sendings to one node for which there are targets. */
const measured: readonly string[] = [
  ...roomSizes.flatMap((room) => senderCounts.map((senders) => sendingTitle(busy(senders), room))),
  sendingTitle(single),
];

/** The sendings that are also measured with sessions. */
const sessionTitles = [...senderCounts.map((senders) => sendingTitle(busy(senders))), sendingTitle(single)];

export function targets(results: Results): Target[] {
  const ratioOf = (title: string, figure: string, of: RowName, to: RowName) =>
    results.ratio(figure, [title, of], [title, to]);
  const fast = measured
    .slice(0, -1)
    .map((title) =>
      atMost(
        `${title}: CPU of ours to that of uWebSockets.js`,
        1.1,
        ratioOf(title, "cpu", "greenroom", "uwebsockets"),
      ),
    );
  const one = sendingTitle(single);
  return [
    ...fast,
    atMost(`${one}: CPU of ours to that of bare \`net\``, 1.1, ratioOf(one, "cpu", "greenroom", "net")),
    atMost(`${one}: p99 of ours to that of bare ws`, 1, ratioOf(one, "p99Ms", "greenroom", "ws")),
    ...overRedis(results, busy(16)),
    ...bystander(results),
    atMost(
      "RSS of an idle connection to that with bare ws",
      1.35,
      ratioOf(idleTitle, "rss", "greenroom", "ws"),
    ),
    atMost(
      "RSS of an idle connection with a session to that with bare ws",
      1.6,
      ratioOf(idleTitle, "rss", "greenroom-sessions", "ws"),
    ),
    ...sessionTitles.map((title) =>
      atMost(
        `${title}: CPU with sessions to that without`,
        1.1,
        ratioOf(title, "cpu", "greenroom-sessions", "greenroom"),
      ),
    ),
    atMost(
      "CPU of a connection opened and closed to that with bare ws",
      1.3,
      ratioOf(idleTitle, "connect", "greenroom", "ws"),
    ),
  ];
}

function overRedis(results: Results, sending: Sending): Target[] {
  const title = sendingTitle(sending);
  return (["pubsub", "streams"] as const).flatMap((ours) =>
    (["pubsub", "streams"] as const).map((peer) => {
      const adapter = peer === "pubsub" ? "redis-adapter" : "streams-adapter";
      const layer = ours === "pubsub" ? "pub/sub" : "streams";
      return atLeast(
        `two nodes, ${title}: CPU of Socket.IO with ${adapter} to that of ${layer}`,
        8,
        results.ratio("cpu", [title, `socket.io-${peer}`], [title, `greenroom-${ours}`]),
      );
    }),
  );
}

/** The targets of the bystander and of the server's loop, during all measurements of `targets`. */
function bystander(results: Results): Target[] {
  const places = [
    ...measured.map((title) => [title, "greenroom", title] as const),
    ...(["pubsub", "streams"] as const).map(
      (layer) => [sendingTitle(busy(16)), `greenroom-${layer}`, `two nodes, ${layer}`] as const,
    ),
  ];
  const spread = (figure: string) => (title: string, row: string) => results.spread([title, row], figure);
  const delay = spread("bystanderP99Ms");
  const loop = spread("loopP99Ms");
  return [
    ...places.map(([title, row, label]) => atMost(`${label}: bystander's p99 in ms`, 15, delay(title, row))),
    ...measured.map((title) =>
      atMost(
        `${title}: bystander's p99 to that with bare ws`,
        1.5,
        results.ratio("bystanderP99Ms", [title, "greenroom"], [title, "ws"]),
      ),
    ),
    ...places.map(([title, row, label]) => atMost(`${label}: loop delay p99 in ms`, 12, loop(title, row))),
  ];
}
