import { type Results, type Spread, spreadOf } from "../harness/results.ts";
import {
  atLeast,
  atMost,
  median,
  range,
  ratio,
  section,
  short,
  type Target,
  table,
  whole,
} from "../harness/tables.ts";
import {
  type Growth,
  growing,
  growths,
  idleTitle,
  oneNode,
  type SendingName,
  sendings,
  stepTitle,
  twoNodes,
} from "./plan.ts";
import { type RowName, rows } from "./rows.ts";

const { one, burst, many } = sendings;

export function sections(results: Results): string[] {
  const send = (heading: string, name: SendingName, names: readonly RowName[], ours: RowName) => {
    const { title } = sendings[name];
    return section(results, `${heading}, ${title}`, title, titlesOf(names), [
      ...[median("CPU µs", "cpu"), range("cpu"), ratio("to ours", "cpu", ours)],
      ...[median("deliveries/s", "perSecond"), median("p50 ms", "p50Ms"), median("p99 ms", "p99Ms")],
      ...(names === twoNodes ? [median("Redis µs", "redis")] : []),
    ]);
  };
  return [
    ...(["burst", "many", "one"] as const).map((name) => send("One node", name, oneNode, "ours")),
    ...(["many", "burst", "one"] as const).map((name) =>
      send("Two nodes over Redis", name, twoNodes, "ours-pubsub"),
    ),
    section(results, "Connections", idleTitle, titlesOf(oneNode), [
      ...[
        median("opened and closed, CPU µs", "connect"),
        range("connect"),
        median("connections/s", "perSecond"),
      ],
      ...[median("idle, RSS KiB", "rss"), range("rss"), median("heap KiB", "heap")],
    ]),
    ...Object.values(growths).map((growth: Growth) =>
      section(
        results,
        `CPU µs per delivery by ${growth.title}`,
        "",
        titlesOf(growing),
        growth.steps.map((step) => median(whole(step), "cpu", stepTitle(growth, step))),
      ),
    ),
  ];
}

const titlesOf = (names: readonly RowName[]) =>
  Object.fromEntries(names.map((name) => [name, rows[name].title]));

/** The target of `--check`: the cost of a delivery with bare ws, divided by the cost with Greenroom. */
export function checkedTarget(results: Results): Target {
  const measured = results.ratio("cpu", [burst.title, "ws"], [burst.title, "ours"]);
  return atLeast(`${burst.title}: CPU of bare ws to that of ours`, 2, measured);
}

export function targets(results: Results): Target[] {
  const ratioOf = (title: string, figure: string, of: RowName, to: RowName) =>
    results.ratio(figure, [title, of], [title, to]);
  const overRedis = (peer: "pubsub" | "streams", ours: "pubsub" | "streams") => {
    const adapter = peer === "pubsub" ? "redis-adapter" : "streams-adapter";
    const label = `CPU of Socket.IO with ${adapter} to that of ${ours === "pubsub" ? "pub/sub" : "streams"}`;
    const measured = ratioOf(many.title, "cpu", `socket.io-${peer}`, `ours-${ours}`);
    return atLeast(`two nodes, ${many.title}: ${label}`, 8, measured);
  };
  const uWebSockets = ratioOf(burst.title, "cpu", "ours", "uwebsockets");
  const socketIo = ratioOf(burst.title, "cpu", "socket.io", "ours");
  const churn = ratioOf(idleTitle, "connect", "ours", "ws");
  const byMembers = growthRatio(results, growths.members, 100);
  const byRooms = growthRatio(results, growths.rooms, 1);
  return [
    atMost(`${burst.title}: CPU of ours to that of uWebSockets.js`, 1, uWebSockets),
    atLeast(`${burst.title}: CPU of Socket.IO to that of ours`, 15, socketIo),
    atMost(
      `${one.title}: CPU of ours to that of bare \`net\``,
      1.05,
      ratioOf(one.title, "cpu", "ours", "net"),
    ),
    atMost(`${one.title}: p99 of ours to that of bare ws`, 1, ratioOf(one.title, "p99Ms", "ours", "ws")),
    overRedis("pubsub", "pubsub"),
    overRedis("streams", "pubsub"),
    overRedis("pubsub", "streams"),
    overRedis("streams", "streams"),
    atMost("RSS of an idle connection to that with bare ws", 1.5, ratioOf(idleTitle, "rss", "ours", "ws")),
    atMost("CPU of a connection opened and closed to that with bare ws", 1.25, churn),
    atMost("CPU per delivery, 1,000 and 10,000 members to 100", 1.3, byMembers),
    atMost("CPU per delivery, 100 and 10,000 rooms to one", 1.3, byRooms),
  ];
}

/** The ratio of the most expensive step above `base` to the step `base` of the same run. */
function growthRatio(results: Results, growth: Growth, base: number): Spread | undefined {
  const cpu = (step: number) => results.runs([stepTitle(growth, step), "ours"], "cpu");
  const later = growth.steps.filter((step) => step > base && cpu(step).length > 0).map(cpu);
  if (later.length === 0) return undefined;
  return spreadOf(
    cpu(base).map((value, run) => Math.max(...later.map((step) => step[run] ?? Number.NaN)) / value),
  );
}

/** The table of the project's README: three figures of four rows; `undefined` if a figure is missing. */
export function summary(results: Results): string | undefined {
  const names = ["ours", "uwebsockets", "ws", "socket.io"] as const;
  const line = (label: string, title: string, figure: string) => [
    label,
    ...names.map((row) => short(results.spread([title, row], figure)?.median)),
  ];
  const lines = [
    line("µs of CPU per delivery, 20 messages in flight", burst.title, "cpu"),
    line("the same, one message in flight", one.title, "cpu"),
    line("KiB per idle connection", idleTitle, "rss"),
  ];
  return lines.flat().includes(undefined)
    ? undefined
    : table(["", ...names.map((row) => rows[row].title)], lines);
}
