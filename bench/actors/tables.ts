import { grouped, section, short } from "../markdown.ts";
import type { Results } from "../results.ts";
import { atMost, type Target, targetSection } from "../target.ts";
import type { CarrierName } from "./messaging.ts";
import type { FactoryName } from "./spawning.ts";

/** One kind of measurement. */
export type ActorTask =
  | { readonly what: "spawning"; readonly name: FactoryName; readonly count: number }
  | { readonly what: "messaging"; readonly name: CarrierName; readonly count: number };

/** How much was measured. */
export interface Extent {
  readonly messages: number;
  /** How many actors at once, from few to many. */
  readonly counts: readonly number[];
}

const factoryTitles: Readonly<Record<FactoryName, string>> = {
  bare: "bare XState actor (control)",
  plain: "`spawn`, class consumer",
  plainAtOnce: "the same, 1,000 at once on their way",
  onLayer: "`spawn`, class consumer on a memory layer",
  machine: "`spawn`, machine consumer",
};

const carrierTitles: Readonly<Record<CarrierName, string>> = {
  call: "plain function call (control)",
  message: "message to a class consumer",
  frame: "frame to a class consumer",
  asyncMessage: "message that waited to an async handler",
  send: "bare `actor.send` (control)",
  machineMessage: "message to a machine consumer",
  machineFrame: "JSON frame to a machine consumer",
};

const spawning = (name: FactoryName, count: number): ActorTask => ({ what: "spawning", name, count });
const messaging = (name: CarrierName, count: number): ActorTask => ({ what: "messaging", name, count });

/** How many at once are what most rows are measured with. */
const usual = (counts: readonly number[]) => counts.at(-2) ?? counts[0] ?? 0;

/** All rows at the usual count; at the others those that show whether costs grow. */
function factoriesAt(count: number, counts: readonly number[]): FactoryName[] {
  const names = Object.keys(factoryTitles) as FactoryName[];
  return count === usual(counts) ? names : ["bare", "plain"];
}

/** Everything that is measured in a run, in this order. */
export function tasks({ messages, counts }: Extent): ActorTask[] {
  const carriers = Object.keys(carrierTitles) as CarrierName[];
  return [
    ...counts.flatMap((count) => factoriesAt(count, counts).map((name) => spawning(name, count))),
    ...carriers.map((name) => messaging(name, messages)),
  ];
}

/** Those for which enough was measured. */
export function targets(results: Results<ActorTask>, { messages, counts }: Extent): Target[] {
  const many = counts.at(-1) ?? 0;
  const few = counts[0] ?? 0;
  const middle = usual(counts);
  const [ours, bare] = [spawning("plain", middle), spawning("bare", middle)];
  const rate = results.spread(messaging("message", messages), "perSecond");
  return [
    ...atMost("CPU to spawn and stop, to that of a bare actor", 1.2, results.ratio(ours, bare, "sum")),
    ...atMost("Heap of an actor, to that of a bare one", 1.3, results.ratio(ours, bare, "heap")),
    ...(rate === undefined
      ? []
      : [
          {
            what: "Messages/s to a class consumer, on one core",
            toReach: "≥ 3,000,000",
            isReached: rate.median >= 3e6,
            measured: rate,
          },
        ]),
    ...atMost(
      "CPU of a message to a machine consumer, to bare `actor.send`",
      1.5,
      results.ratio(messaging("machineMessage", messages), messaging("send", messages), "each"),
    ),
    ...atMost(
      `CPU to spawn and stop, ${grouped(many)} at once to ${grouped(few)}`,
      1.2,
      results.ratio(spawning("plain", many), spawning("plain", few), "sum"),
    ),
    ...atMost(
      `The same of a bare actor`,
      1.2,
      results.ratio(spawning("bare", many), spawning("bare", few), "sum"),
    ),
  ];
}

/** All results as tables of Markdown. */
export function tables(results: Results<ActorTask>, extent: Extent): string {
  const { messages, counts } = extent;
  const sections: string[] = [targetSection(targets(results, extent))];
  for (const count of counts) {
    sections.push(
      section(
        `Spawn and stop, ${grouped(count)} at once`,
        ["", "spawn µs", "stop µs", "sum µs", "least to most", "to control", "heap bytes", "to control"],
        factoriesAt(count, counts).map((name) => {
          const task = spawning(name, count);
          const figure = (of: string) => results.spread(task, of);
          const ratio = (of: string) => results.ratio(task, spawning("bare", count), of);
          const sum = figure("sum");
          return [
            factoryTitles[name],
            short(figure("spawn")?.median),
            short(figure("stop")?.median),
            short(sum?.median),
            `${short(sum?.min)} to ${short(sum?.max)}`,
            short(ratio("sum")?.median),
            short(figure("heap")?.median),
            short(ratio("heap")?.median),
          ];
        }),
      ),
    );
  }
  sections.push(
    section(
      "Messages and frames",
      ["", "ns", "least to most", "on one core, each second"],
      (Object.keys(carrierTitles) as CarrierName[]).map((name) => {
        const each = results.spread(messaging(name, messages), "each");
        const rate = results.spread(messaging(name, messages), "perSecond");
        return [
          carrierTitles[name],
          short(each?.median),
          `${short(each?.min)} to ${short(each?.max)}`,
          short(rate?.median),
        ];
      }),
    ),
  );
  return sections.join("\n");
}
