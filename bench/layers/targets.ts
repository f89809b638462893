import type { CarrierName } from "./carriers/index.ts";
import { control, fewGroups, inFlight, joinsAtOnce, manyGroups, oneMember } from "./plan.ts";
import type { Results, SendKey } from "./results.ts";
import type { Room } from "./tasks.ts";

/** Something to reach: a figure that is not to be above a limit. */
export interface Target {
  readonly what: string;
  readonly limit: number;
  readonly measured: number;
  /** The least and the most of all runs, where they differ. */
  readonly min: number;
  readonly max: number;
}

/** Those for which enough was measured. */
export function targets(results: Results): Target[] {
  const busy = (carrier: CarrierName, room: Room): SendKey => ({ carrier, room, inFlight: inFlight.many });
  const cpu = (what: string, limit: number, of: SendKey, to: SendKey): Target[] => {
    const ratio = results.cpuRatio(of, to);
    return ratio === undefined
      ? []
      : [{ what, limit, measured: ratio.median, min: ratio.min, max: ratio.max }];
  };
  const growth = (what: string, carrier: CarrierName) =>
    cpu(what, 1.1, busy(carrier, manyGroups), busy(carrier, fewGroups));
  const trips = (what: string, carrier: CarrierName, atOnce: number): Target[] => {
    const measured = results.joinCost(carrier, atOnce)?.roundTrips;
    return measured === undefined ? [] : [{ what, limit: 1, measured, min: measured, max: measured }];
  };
  const [one, many] = [joinsAtOnce.one, joinsAtOnce.many];
  return [
    ...cpu(
      "CPU per message of pub/sub, to that of the control",
      1.3,
      busy("pubsub", oneMember),
      busy(control, oneMember),
    ),
    ...cpu(
      "CPU per message of streams, to that of pub/sub",
      1.5,
      busy("streams", oneMember),
      busy("pubsub", oneMember),
    ),
    ...growth("CPU per message at 10,000 groups, to that at 10: pub/sub", "pubsub"),
    ...growth("CPU per message at 10,000 groups, to that at 10: streams", "streams"),
    ...growth("CPU per message at 10,000 groups, to that at 10: memory", "memory"),
    ...trips("Round trips of a join: pub/sub", "pubsub", one),
    ...trips("Round trips of a join: streams", "streams", one),
    ...trips("Round trips of 1,000 joins at once: pub/sub", "pubsub", many),
    ...trips("Round trips of 1,000 joins at once: streams", "streams", many),
  ];
}
