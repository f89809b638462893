import type { Results } from "../harness/results.ts";
import {
  atLeast,
  median,
  orDash,
  range,
  ratio,
  section,
  short,
  type Target,
  table,
  whole,
} from "../harness/tables.ts";
import {
  busy,
  type Growth,
  growing,
  growths,
  idleTitle,
  members,
  oneNode,
  roomSizes,
  type Sending,
  senderCounts,
  sendingTitle,
  single,
  stepTitle,
  twoNodes,
} from "./plan.ts";
import { type RowName, rows } from "./rows.ts";

export function sections(results: Results): string[] {
  const send = (names: readonly RowName[], ours: RowName, sending: Sending, room: number = members) => {
    const title = sendingTitle(sending, room);
    const place = names === twoNodes ? "Two nodes over Redis" : "One node";
    return section(results, `${place}, ${title}`, title, titlesOf(names), [
      ...[median("CPU µs", "cpu"), range("cpu"), ratio("to ours", "cpu", ours)],
      ...[median("deliveries/s", "perSecond"), median("p50 ms", "p50Ms"), median("p99 ms", "p99Ms")],
      ...[orDash(median("frames/write", "framesPerWrite")), median("loop p99 ms", "loopP99Ms")],
      ...[median("bystander p50 ms", "bystanderP50Ms"), median("bystander p99 ms", "bystanderP99Ms")],
      ...(names === twoNodes ? [median("Redis µs", "redis")] : []),
    ]);
  };
  return [
    ...roomSizes.flatMap((room) =>
      senderCounts.map((senders) => send(oneNode, "greenroom", busy(senders), room)),
    ),
    send(oneNode, "greenroom", single),
    ...[...senderCounts].reverse().map((senders) => send(twoNodes, "greenroom-pubsub", busy(senders))),
    send(twoNodes, "greenroom-pubsub", single),
    section(results, "Connections", idleTitle, titlesOf(oneNode), [
      ...[
        median("opened and closed, CPU µs", "connect"),
        range("connect"),
        median("connections/s", "perSecond"),
      ],
      ...[
        median("idle, RSS KiB", "rss"),
        range("rss"),
        ratio("RSS to ws", "rss", "ws"),
        median("heap KiB", "heap"),
      ],
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
  const title = sendingTitle(busy(1));
  const measured = results.ratio("cpu", [title, "ws"], [title, "greenroom"]);
  return atLeast(`${title}: CPU of bare ws to that of ours`, 2, measured);
}

/** The table of the project's README: three figures of four rows; `undefined` if a figure is missing. */
export function summary(results: Results): string | undefined {
  const names = ["greenroom", "uwebsockets", "ws", "socket.io"] as const;
  const line = (label: string, title: string, figure: string) => [
    label,
    ...names.map((row) => short(results.spread([title, row], figure)?.median)),
  ];
  const lines = [
    line("µs of CPU per delivery, 20 messages in flight", sendingTitle(busy(1)), "cpu"),
    line("the same, one message in flight", sendingTitle(single), "cpu"),
    line("KiB per idle connection", idleTitle, "rss"),
  ];
  return lines.flat().includes(undefined)
    ? undefined
    : table(["", ...names.map((row) => rows[row].title)], lines);
}
