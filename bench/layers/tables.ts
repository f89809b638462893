import { type CarrierName, carrierNames, carriers } from "./carriers/index.ts";
import {
  control,
  fewGroups,
  inFlight,
  joinsAtOnce,
  manyGroups,
  manyMembers,
  ofJoins,
  oneMember,
} from "./plan.ts";
import type { Results } from "./results.ts";
import { ratio, targets } from "./targets.ts";
import type { Room } from "./tasks.ts";

type Cell = string | number | undefined;

/** All results as tables of Markdown. */
export function tables(results: Results): string {
  const sections: readonly (readonly [title: string, table: string])[] = [
    ["What is to be reached", targetTable(results)],
    ["One group of one member, 100 messages in flight", sendTable(results, oneMember, inFlight.many)],
    ["One group of one member, 1 message in flight", sendTable(results, oneMember, inFlight.one)],
    ["One group of 1,000 members, 100 messages in flight", sendTable(results, manyMembers, inFlight.many)],
    ["10 and 10,000 groups of one member, 100 messages in flight", groupTable(results)],
    ["Joins", joinTable(results)],
  ];
  return sections.map(([title, text]) => `### ${title}\n\n${text}\n`).join("\n");
}

function targetTable(results: Results): string {
  const rows = targets(results).map(({ what, limit, measured }) => [
    what,
    `≤ ${limit}`,
    measured?.toFixed(2),
    measured === undefined ? undefined : measured <= limit ? "reached" : "missed",
  ]);
  return table(["", "to reach", "measured", ""], rows);
}

function sendTable(results: Results, room: Room, load: number): string {
  const base = results.send(control, room, load)?.sum.median;
  const rows = carrierNames.flatMap((carrier) => {
    const figures = results.send(carrier, room, load);
    if (figures === undefined) return [];
    const { perSecond, publisher, receiver, redis, sum, p50Ms, p99Ms } = figures;
    const isOneProcess = carrier === "memory";
    return [
      [
        carriers[carrier].title,
        whole(perSecond.median),
        publisher.median.toFixed(1),
        isOneProcess ? undefined : receiver.median.toFixed(1),
        isOneProcess ? undefined : redis.median.toFixed(1),
        sum.median.toFixed(1),
        ratio(sum.median, base)?.toFixed(2),
        p50Ms.median.toFixed(2),
        p99Ms.median.toFixed(2),
        isOneProcess ? undefined : hundreds(1e6 / redis.median),
      ],
    ];
  });
  const head = ["publisher µs", "receiver µs", "Redis µs", "sum µs", "of control", "p50 ms", "p99 ms"];
  return table(["", "messages/s", ...head, "one Redis carries, messages/s"], rows);
}

function groupTable(results: Results): string {
  const rows = carrierNames.flatMap((carrier) => {
    const few = results.send(carrier, fewGroups, inFlight.many);
    const many = results.send(carrier, manyGroups, inFlight.many);
    if (few === undefined || many === undefined) return [];
    const both = (name: "publisher" | "receiver" | "redis" | "sum") =>
      `${few[name].median.toFixed(1)} → ${many[name].median.toFixed(1)}`;
    const growth = ratio(many.sum.median, few.sum.median)?.toFixed(2);
    const apart = carrier === "memory" ? [undefined, undefined] : [both("receiver"), both("redis")];
    return [[carriers[carrier].title, both("publisher"), ...apart, both("sum"), growth]];
  });
  return table(["", "publisher µs", "receiver µs", "Redis µs", "sum µs", "times"], rows);
}

function joinTable(results: Results): string {
  const rows = Object.values(joinsAtOnce).flatMap((atOnce) =>
    ofJoins.map((carrier) => joinRow(results, carrier, atOnce)),
  );
  const head = ["joins/s", "node µs", "Redis µs", "round trips", "commands"];
  return table(["", "joins at once", ...head], rows);
}

function joinRow(results: Results, carrier: CarrierName, atOnce: number): Cell[] {
  const figures = results.join(carrier, atOnce);
  const cost = results.joinCost(carrier, atOnce);
  return [
    carriers[carrier].title,
    whole(atOnce),
    figures && whole(figures.perSecond.median),
    figures?.node.median.toFixed(1),
    figures?.redis.median.toFixed(1),
    cost?.roundTrips,
    cost?.commands,
  ];
}

function table(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const line = (cells: readonly Cell[]) => `| ${cells.map((cell) => cell ?? "").join(" | ")} |`;
  return [
    line(head),
    `|${head.map((_, index) => (index === 0 ? "---|" : "--:|")).join("")}`,
    ...rows.map(line),
  ].join("\n");
}

function whole(value: number): string {
  return Math.round(value).toLocaleString("en");
}

function hundreds(value: number): string {
  return whole(Math.round(value / 100) * 100);
}
