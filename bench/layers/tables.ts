import { type Row, table, whole } from "../markdown.ts";
import { type CarrierName, carrierNames, carriers } from "./carriers/index.ts";
import {
  control,
  fewGroups,
  inFlight,
  joinsAtOnce,
  manyBusyGroups,
  manyGroups,
  manyMembers,
  ofJoins,
  oneMember,
} from "./plan.ts";
import type { Results } from "./results.ts";
import { targets } from "./targets.ts";
import type { Room } from "./tasks.ts";

/** All results as tables of Markdown. What was not measured has none. */
export function tables(results: Results): string {
  const { one, many } = inFlight;
  const sections: readonly (readonly [title: string, head: Row, rows: readonly Row[]])[] = [
    ["What is to be reached", targetHead, targetRows(results)],
    ["One group of one member, 100 messages in flight", sendHead, sendRows(results, oneMember, many)],
    ["One group of one member, 1 message in flight", sendHead, sendRows(results, oneMember, one)],
    ["One group of 1,000 members, 100 messages in flight", sendHead, sendRows(results, manyMembers, many)],
    [
      "10 groups of one member → 10,000, of which 10 are sent to → 10,000 that are all sent to, 100 in flight",
      groupHead,
      groupRows(results),
    ],
    ["Joins of new groups", joinHead, joinRows(results)],
  ];
  return sections
    .filter(([, , rows]) => rows.length > 0)
    .map(([title, head, rows]) => `### ${title}\n\n${table(head, rows)}\n`)
    .join("\n");
}

const targetHead: Row = ["", "to reach", "measured", "least to most", ""];

function targetRows(results: Results): Row[] {
  return targets(results).map(({ what, limit, measured, min, max }) => [
    what,
    `≤ ${limit}`,
    measured.toFixed(2),
    min === max ? undefined : `${min.toFixed(2)} to ${max.toFixed(2)}`,
    measured <= limit ? "reached" : "missed",
  ]);
}

const sendHead: Row = [
  "",
  "messages/s",
  ...["publisher µs", "receiver µs", "Redis µs", "sum µs", "to control", "p50 ms", "p99 ms"],
  "one Redis carries, messages/s",
];

function sendRows(results: Results, room: Room, load: number): Row[] {
  return carrierNames.flatMap((carrier) => {
    const key = { carrier, room, inFlight: load };
    const figures = results.send(key);
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
        results.cpuRatio(key, { ...key, carrier: control })?.median.toFixed(2),
        p50Ms.median.toFixed(2),
        p99Ms.median.toFixed(2),
        isOneProcess ? undefined : whole(Math.round(1e4 / redis.median) * 100),
      ],
    ];
  });
}

const groupHead: Row = ["", "publisher µs", "receiver µs", "Redis µs", "sum µs", "times"];

function groupRows(results: Results): Row[] {
  return carrierNames.flatMap((carrier) => {
    const fewKey = { carrier, room: fewGroups, inFlight: inFlight.many };
    const manyKey = { ...fewKey, room: manyGroups };
    const busyKey = { ...fewKey, room: manyBusyGroups };
    const [few, many, busy] = [results.send(fewKey), results.send(manyKey), results.send(busyKey)];
    if (few === undefined || many === undefined || busy === undefined) return [];
    const both = (name: "publisher" | "receiver" | "redis" | "sum") =>
      [few, many, busy].map((figures) => figures[name].median.toFixed(1)).join(" → ");
    const others = carrier === "memory" ? [undefined, undefined] : [both("receiver"), both("redis")];
    const times = results.cpuRatio(manyKey, fewKey)?.median.toFixed(2);
    return [[carriers[carrier].title, both("publisher"), ...others, both("sum"), times]];
  });
}

const joinHead: Row = ["", "at once", "joins/s", "node µs", "Redis µs", "round trips", "commands"];

function joinRows(results: Results): Row[] {
  return Object.values(joinsAtOnce).flatMap((atOnce) =>
    ofJoins.flatMap((carrier) => joinRow(results, carrier, atOnce)),
  );
}

function joinRow(results: Results, carrier: CarrierName, atOnce: number): Row[] {
  const figures = results.join(carrier, atOnce);
  if (figures === undefined) return [];
  const cost = results.joinCost(carrier, atOnce);
  return [
    [
      carriers[carrier].title,
      whole(atOnce),
      whole(figures.perSecond.median),
      figures.node.median.toFixed(1),
      figures.redis.median.toFixed(1),
      cost?.roundTrips,
      cost && whole(cost.commands),
    ],
  ];
}
