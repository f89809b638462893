import type { CarrierName } from "./carriers/index.ts";
import { control, fewGroups, inFlight, joinsAtOnce, manyGroups, oneMember } from "./plan.ts";
import type { Results } from "./results.ts";
import type { Room } from "./tasks.ts";

/** Something to reach: a figure that is not to be above a limit. */
export interface Target {
  readonly what: string;
  readonly limit: number;
  /** Nothing where not all that it needs was measured. */
  readonly measured: number | undefined;
}

export function targets(results: Results): Target[] {
  const cpu = (carrier: CarrierName, room: Room) => results.send(carrier, room, inFlight.many)?.sum.median;
  const growth = (carrier: CarrierName) => ratio(cpu(carrier, manyGroups), cpu(carrier, fewGroups));
  const trips = (carrier: CarrierName, atOnce: number) => results.joinCost(carrier, atOnce)?.roundTrips;
  return [
    {
      what: "CPU of pub/sub, of bare ioredis",
      limit: 1.3,
      measured: ratio(cpu("pubsub", oneMember), cpu(control, oneMember)),
    },
    {
      what: "CPU of streams, of pub/sub",
      limit: 1.5,
      measured: ratio(cpu("streams", oneMember), cpu("pubsub", oneMember)),
    },
    { what: "CPU at 10,000 groups, of that at 10: pub/sub", limit: 1.1, measured: growth("pubsub") },
    { what: "CPU at 10,000 groups, of that at 10: streams", limit: 1.1, measured: growth("streams") },
    { what: "Round trips of a join: pub/sub", limit: 1, measured: trips("pubsub", joinsAtOnce.one) },
    { what: "Round trips of a join: streams", limit: 1, measured: trips("streams", joinsAtOnce.one) },
    {
      what: "Round trips of 1,000 joins at once: pub/sub",
      limit: 1,
      measured: trips("pubsub", joinsAtOnce.many),
    },
    {
      what: "Round trips of 1,000 joins at once: streams",
      limit: 1,
      measured: trips("streams", joinsAtOnce.many),
    },
  ];
}

/** One figure as a multiple of another, if both are there. */
export function ratio(value: number | undefined, base: number | undefined): number | undefined {
  return value === undefined || base === undefined ? undefined : value / base;
}
