import { type Results, type Spread, spreadOf } from "../harness/results.ts";
import {
  atMost,
  type Column,
  median,
  orDash,
  range,
  ratio,
  section,
  short,
  type Target,
} from "../harness/tables.ts";
import type { FrameRow } from "./frames.ts";
import { deliveryTitle, frameRows, frameTitle, inFlight, roomRows, roomTitle } from "./rows.ts";

/** How much more a frame of one row costs than a frame of another, within each run, in microseconds. */
function excess(results: Results, of: string, over: FrameRow): Spread | undefined {
  const others = results.runs([frameTitle, over], "each");
  return spreadOf(
    results.runs([frameTitle, of], "each").flatMap((each, run) => {
      const other = others[run];
      return other === undefined ? [] : each - other;
    }),
  );
}

const byHand: Readonly<Record<string, FrameRow>> = {
  zod: "zodByHand",
  valibot: "valibotByHand",
  arkType: "arkTypeByHand",
};

const overNoSchema: Column = {
  heading: "more than without a schema",
  cell(results, [, row]) {
    const hasSchema = row in byHand || Object.values<string>(byHand).includes(row);
    return hasSchema ? short(excess(results, row, "json")?.median) : undefined;
  },
};

const overByHand: Column = {
  heading: "more than by hand",
  cell(results, [, row]) {
    const other = byHand[row];
    return other && short(excess(results, row, other)?.median);
  },
};

export const frameTarget = (results: Results): Target =>
  atMost(
    "µs of a valid frame with a contract in zod, more than with zod by hand",
    2,
    excess(results, "zod", "zodByHand"),
  );

export const relayTarget = (results: Results): Target => {
  const title = roomTitle(inFlight[0], false);
  return atMost(
    `${title}: \`relay\`, to a constant text`,
    1.2,
    results.ratio("cpu", [title, "relay"], [title, "constant"]),
  );
};

export function sections(results: Results): string[] {
  const both = [false, true];
  const ofRoom = (title: string, unit: string, figure: string, ...more: Column[]) =>
    section(results, title, title, roomRows, [
      ...[median(`CPU ${unit}`, figure), range(figure), ratio("to `relay`", figure, "relay"), ...more],
    ]);
  return [
    section(results, frameTitle, frameTitle, frameRows, [
      ...[median("CPU µs", "each"), range("each"), orDash(overNoSchema), orDash(overByHand)],
    ]),
    ...both.map((validates) => ofRoom(deliveryTitle(validates), "ns", "each")),
    ...inFlight.flatMap((count) =>
      both.map((validates) =>
        ofRoom(roomTitle(count, validates), "µs", "cpu", median("deliveries/s", "perSecond")),
      ),
    ),
  ];
}
