import { type Row, table, whole } from "../markdown.ts";
import type { Spread } from "../statistics.ts";
import { type Growth, growing, growths, oneNode, type Sending, sendings, twoNodes } from "./plan.ts";
import type { Results } from "./results.ts";
import { type RowName, rows } from "./rows.ts";
import { isReached, targets } from "./targets.ts";

/** All results as tables of Markdown. What was not measured has none. */
export function tables(results: Results): string {
  const { one, burst, many } = sendings;
  const sections: readonly (readonly [title: string, head: Row, rows: readonly Row[]])[] = [
    ["What is to be reached", targetHead, targetRows(results)],
    ...[burst, many, one].map(
      (sending) =>
        [`One node, ${sending.title}`, sendHead, sendRows(results, oneNode, sending, "ours")] as const,
    ),
    ...[many, burst, one].map(
      (sending) =>
        [
          `Two nodes over Redis, ${sending.title}`,
          [...sendHead, "Redis µs"],
          sendRows(results, twoNodes, sending, "ours-pubsub"),
        ] as const,
    ),
    ["Connections", idleHead, idleRows(results)],
    ...Object.values(growths).map(
      (growth) =>
        [`CPU µs per delivery by ${growth.title}`, growthHead(growth), growthRows(results, growth)] as const,
    ),
  ];
  return sections
    .filter(([, , rows]) => rows.length > 0)
    .map(([title, head, rows]) => `### ${title}\n\n${table(head, rows)}\n`)
    .join("\n");
}

/** What the project's README says of it: three rows, and what to compare. */
export function shortTable(results: Results): string | undefined {
  const { one, burst } = sendings;
  const cells = (["ours", "uwebsockets", "ws", "socket.io"] as const).flatMap((row) => {
    const [many, single, idle] = [results.send(row, burst), results.send(row, one), results.idle(row)];
    return many && single && idle ? [{ row, many, single, idle }] : [];
  });
  if (cells.length === 0) return undefined;
  return table(
    ["", ...cells.map(({ row }) => rows[row].title)],
    [
      ["µs of CPU per delivery, 20 messages in flight", ...cells.map(({ many }) => short(many.cpu.median))],
      ["the same, one message in flight", ...cells.map(({ single }) => short(single.cpu.median))],
      ["KiB per idle connection", ...cells.map(({ idle }) => short(idle.rss.median))],
    ],
  );
}

const targetHead: Row = ["", "to reach", "measured", "least to most", ""];

function targetRows(results: Results): Row[] {
  return targets(results).map((target) => [
    target.what,
    `${target.atLeast ? "≥" : "≤"} ${target.limit}`,
    short(target.median),
    range(target),
    isReached(target) ? "reached" : "missed",
  ]);
}

const sendHead: Row = ["", "CPU µs", "least to most", "to ours", "deliveries/s", "p50 ms", "p99 ms"];

function sendRows(results: Results, names: readonly RowName[], sending: Sending, ours: RowName): Row[] {
  return names.flatMap((row) => {
    const figures = results.send(row, sending);
    if (figures === undefined) return [];
    const { cpu, perSecond, p50Ms, p99Ms, redis } = figures;
    const ratio = results.sendRatio(sending, "cpu", row, ours);
    return [
      [
        ...[rows[row].title, short(cpu.median), range(cpu), ratio && short(ratio.median)],
        ...[whole(perSecond.median), short(p50Ms.median), short(p99Ms.median)],
        ...(rows[row].nodes === 1 ? [] : [short(redis.median)]),
      ],
    ];
  });
}

const idleHead: Row = [
  "",
  ...["opened and closed, CPU µs", "least to most", "connections/s"],
  ...["idle, RSS KiB", "least to most", "heap KiB"],
];

function idleRows(results: Results): Row[] {
  return oneNode.flatMap((row) => {
    const figures = results.idle(row);
    if (figures === undefined) return [];
    const { connect, perSecond, rss, heap } = figures;
    return [
      [
        ...[rows[row].title, whole(connect.median), range(connect), whole(perSecond.median)],
        ...[short(rss.median), range(rss), short(heap.median)],
      ],
    ];
  });
}

function growthHead({ steps }: Growth): Row {
  return ["", ...steps.map(whole)];
}

function growthRows(results: Results, growth: Growth): Row[] {
  return growing.flatMap((row) => {
    const steps = growth.steps.map((step) => results.step(row, growth, step)?.cpu.median);
    return steps.every((step) => step === undefined)
      ? []
      : [[rows[row].title, ...steps.map((step) => step && short(step))]];
  });
}

/** Three digits that count. */
function short(value: number): string {
  return Math.abs(value) >= 100 ? whole(value) : value.toPrecision(3);
}

function range({ min, max }: Spread): string {
  return `${short(min)} to ${short(max)}`;
}
