import { type Run, runBench } from "../harness/bench.ts";
import type { Measurement, Results } from "../harness/results.ts";
import { atMost, type Column, median, ratio, section, short, type Target, whole } from "../harness/tables.ts";
import { type CarrierName, carrierNames, carrierTitles } from "./carriers/index.ts";
import { measureJoining, measureSending } from "./measuring.ts";
import type { Joins, Room } from "./node.ts";
import { countRoundTrips } from "./round-trips.ts";

const control: CarrierName = "bytes";
/** The rows that are measured with many members or groups. */
const roomCarriers: readonly CarrierName[] = [control, "memory", "pubsub", "streams"];
const joinCarriers: readonly CarrierName[] = [control, "pubsub", "streams"];

const fewGroups: Room = { groups: 10, members: 1 };
/** Shows the cost of groups without messages: only 10 groups, as many as in `fewGroups`, receive messages. */
const manyGroups: Room = { groups: 10_000, members: 1, busy: 10 };
/** All groups receive messages, so that messages in flight rarely go to the same group. */
const manyBusyGroups: Room = { groups: 10_000, members: 1 };
const oneMember: Room = { groups: 1, members: 1 };
const manyMembers: Room = { groups: 1, members: 1_000 };

const joins: readonly Joins[] = [
  { joins: 2_000, atOnce: 1 },
  { joins: 10_000, atOnce: 1_000 },
];

const options = {
  messages: {
    ...{ default: 20_000, short: 4_000 },
    help: "messages per measurement with 100 in flight; a quarter in slow measurements",
  },
  only: { names: carrierNames, help: "measure only these rows" },
  parts: { names: ["one", "members", "groups", "joins"] as const, help: "measure only these tables" },
};

const sendTitle = ({ groups, members, busy = groups }: Room, inFlight: number) =>
  `groups: ${groups}, sent to: ${busy}, members of each: ${members}, in flight: ${inFlight}`;
const joinTitle = (atOnce: number) => `Joins of new groups, ${whole(atOnce)} at once`;
const costTitle = (atOnce: number) => `Commands of joins, ${whole(atOnce)} at once`;

async function measure(run: Run<typeof options>): Promise<void> {
  const { results, redis, options, progress } = run;
  const { messages, only, parts, profiles } = options;
  const environment = { redis, profiles };
  const chosen = (names: readonly CarrierName[]) => names.filter((name) => only.includes(name));
  const [one, many] = [
    { messages: Math.ceil(messages / 4), inFlight: 1 },
    { messages, inFlight: 100 },
  ];
  const send = async (carrier: CarrierName, room: Room, loads: readonly (typeof one)[]) => {
    progress(`${carrier}, ${room.groups} groups of ${room.members} members`);
    for await (const [{ inFlight }, figures] of measureSending(carrier, room, loads, environment)) {
      results.add([sendTitle(room, inFlight), carrier], figures);
    }
  };
  if (parts.includes("one")) {
    for (const carrier of chosen(carrierNames)) await send(carrier, oneMember, [many, one]);
  }
  if (parts.includes("members")) {
    for (const carrier of chosen(roomCarriers)) await send(carrier, manyMembers, [{ ...one, inFlight: 100 }]);
  }
  if (parts.includes("groups")) {
    for (const carrier of chosen(roomCarriers)) {
      for (const room of [fewGroups, manyGroups, manyBusyGroups]) await send(carrier, room, [many]);
    }
  }
  for (const carrier of parts.includes("joins") ? chosen(joinCarriers) : []) {
    progress(`${carrier}, joins`);
    for await (const [{ atOnce }, figures] of measureJoining(carrier, joins, environment)) {
      results.add([joinTitle(atOnce), carrier], figures);
    }
    // Measured in one run only, because the number of round trips does not vary between runs.
    for (const { atOnce } of run.number === 1 ? joins : []) {
      progress(`${carrier}, round trips of joins, ${atOnce} at once`);
      results.add([costTitle(atOnce), carrier], await countRoundTrips(carrier, atOnce, redis));
    }
  }
}

function targets(results: Results): Target[] {
  const busy = (row: CarrierName, room: Room): Measurement => [sendTitle(room, 100), row];
  const cpu = (of: Measurement, to: Measurement) => results.ratio("sum", of, to);
  const growth = (layer: string, row: CarrierName) =>
    atMost(
      `CPU per message on a node in 10,000 groups, to that in 10: ${layer}`,
      1.1,
      cpu(busy(row, manyGroups), busy(row, fewGroups)),
    );
  const trips = (operation: string, row: CarrierName, atOnce: number) =>
    atMost(`Round trips of ${operation}`, 1, results.spread([costTitle(atOnce), row], "roundTrips"));
  const [ours, streams] = [busy("pubsub", oneMember), busy("streams", oneMember)];
  return [
    atMost("CPU per message of pub/sub, to that of the control", 1.3, cpu(ours, busy(control, oneMember))),
    atMost("CPU per message of streams, to that of pub/sub", 1.5, cpu(streams, ours)),
    growth("pub/sub", "pubsub"),
    growth("streams", "streams"),
    growth("memory", "memory"),
    trips("a join: pub/sub", "pubsub", 1),
    trips("a join: streams", "streams", 1),
    trips("1,000 joins at once: pub/sub", "pubsub", 1_000),
    trips("1,000 joins at once: streams", "streams", 1_000),
  ];
}

const sendColumns = [
  median("messages/s", "perSecond"),
  ...[median("publisher µs", "publisher"), median("receiver µs", "receiver"), median("Redis µs", "redis")],
  ...[median("sum µs", "sum"), ratio("to control", "sum", control)],
  ...[median("p50 ms", "p50Ms"), median("p99 ms", "p99Ms")],
  median("one Redis carries, messages/s", "redisCarries"),
];

/** A column with a figure for few groups, for many groups of which few are busy, and for many busy groups. */
const byGroups = (heading: string, figure: string): Column => ({
  heading,
  cell(results, [, row]) {
    const titles = [fewGroups, manyGroups, manyBusyGroups].map((room) => sendTitle(room, 100));
    const medians = titles.map((title) => short(results.spread([title, row], figure)?.median));
    return medians.every(Boolean) ? medians.join(" → ") : undefined;
  },
});

const growthRatio: Column = {
  heading: "times",
  cell: (results, [, row]) =>
    short(results.ratio("sum", [sendTitle(manyGroups, 100), row], [sendTitle(fewGroups, 100), row])?.median),
};

await runBench({
  folder: new URL("./", import.meta.url),
  about: "Measures the cost of the channel layers, compared with bare ioredis and Socket.IO's adapters.",
  options,
  packages: ["ioredis", "socket.io", "@socket.io/redis-adapter", "@socket.io/redis-streams-adapter"],
  needsRedis: true,
  measure,
  report: (results, { messages }) => ({
    extent: `; ${whole(messages)} messages in each measurement with 100 in flight.`,
    targets: targets(results),
    sections: [
      ...[
        ["One group of one member, 100 messages in flight", sendTitle(oneMember, 100)] as const,
        ["One group of one member, 1 message in flight", sendTitle(oneMember, 1)] as const,
        ["One group of 1,000 members, 100 messages in flight", sendTitle(manyMembers, 100)] as const,
      ].map(([heading, title]) => section(results, heading, title, carrierTitles, sendColumns)),
      section(
        results,
        "10 groups of one member → 10,000, of which 10 get messages → 10,000 that all get messages, 100 in flight",
        "",
        carrierTitles,
        [
          ...[byGroups("publisher µs", "publisher"), byGroups("receiver µs", "receiver")],
          ...[byGroups("Redis µs", "redis"), byGroups("sum µs", "sum"), growthRatio],
        ],
      ),
      ...joins.map(({ atOnce }) =>
        section(results, joinTitle(atOnce), joinTitle(atOnce), carrierTitles, [
          ...[median("joins/s", "perSecond"), median("node µs", "node"), median("Redis µs", "redis")],
          median("round trips", "roundTrips", costTitle(atOnce)),
          median("commands", "commands", costTitle(atOnce)),
        ]),
      ),
    ],
  }),
});
