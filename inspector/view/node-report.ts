import type { ChannelLayer } from "../../layers/channel-layer.ts";
import type { Counters } from "../../runtime/counters.ts";
import { LoopDelay } from "../../runtime/loop-delay.ts";
import type { RuntimeContext } from "../../runtime/runtime-context.ts";
import type { ActivityRecorder } from "../activity/activity-recorder.ts";
import type { Dropped, Figures, LayerReport, LayerTotals, Tick } from "../protocol.ts";
import { Rates } from "./rates.ts";

/** Reports metrics of a node and its layers, with rates over the last four ticks. */
export class NodeReport {
  readonly #layers: readonly (readonly [string, ChannelLayer])[];
  readonly #counters: Counters;
  readonly #sessions: RuntimeContext["sessions"];
  readonly #loopDelay = new LoopDelay();
  #rates = new Rates();

  constructor({ layers, counters, sessions }: Pick<RuntimeContext, "counters" | "layers" | "sessions">) {
    this.#layers = Object.entries(layers);
    this.#counters = counters;
    this.#sessions = sessions;
  }

  start(): void {
    this.#rates = new Rates();
    this.#loopDelay.start();
  }

  stop(): void {
    this.#loopDelay.stop();
  }

  /** Returns the figures and layers of a tick. Must be called once per tick. */
  take(
    { framesIn, framesOut }: Pick<ActivityRecorder, "framesIn" | "framesOut">,
    actors: Pick<Figures, "actors" | "watching">,
  ): Pick<Tick, "figures" | "layers"> {
    const { refused, resumed, dropped } = this.#counters.snapshot();
    const { user, system } = process.cpuUsage();
    const totals = new Map(Object.entries({ framesIn, framesOut, cpuMicroseconds: user + system }));
    const add = (prefix: string, counts: Readonly<Record<string, number>>) => {
      for (const [name, count] of Object.entries(counts)) totals.set(`${prefix} ${name}`, count);
    };
    const layers = this.#layers.map(([alias, layer]) => {
      const { dropped, ...totals } = layer.counters();
      add(`layer ${alias}`, totals);
      add(`layer ${alias} dropped`, dropped);
      return { alias, layer, totals, dropped };
    });
    add("dropped", dropped);
    this.#rates.sample(performance.now(), totals);
    const rate = (name: string) => this.#rates.perSecond(name);
    const reports = layers.map(({ alias, layer, totals, dropped }): LayerReport => {
      const rates = Object.keys(totals).map((name) => [name, rate(`layer ${alias} ${name}`)]);
      return {
        alias,
        kind: layer.constructor.name,
        health: layer.health,
        totals,
        perSecond: Object.fromEntries(rates) as LayerTotals,
        dropped: this.#dropped(`layer ${alias} dropped`, dropped),
      };
    });
    const { rss, heapUsed } = process.memoryUsage();
    return {
      layers: reports,
      figures: {
        ...actors,
        deliveriesPerSecond: reports.reduce((sum, { perSecond }) => sum + perSecond.delivered, 0),
        framesInPerSecond: rate("framesIn"),
        framesOutPerSecond: rate("framesOut"),
        loopDelay: this.#loopDelay.take(),
        rssBytes: rss,
        heapBytes: heapUsed,
        cpu: rate("cpuMicroseconds") / 1e6,
        refused,
        dropped: this.#dropped("dropped", dropped),
        sessions: { away: this.#sessions.awayCount, resumed, keptBytes: this.#sessions.frames.bytes },
      },
    };
  }

  #dropped<R extends string>(prefix: string, counts: Readonly<Partial<Record<R, number>>>): Dropped<R> {
    const counted = Object.entries<number>(counts as Record<string, number>).filter(([, total]) => total > 0);
    return Object.fromEntries(
      counted.map(([reason, total]) => [
        reason,
        { total, perSecond: this.#rates.perSecond(`${prefix} ${reason}`) },
      ]),
    ) as Dropped<R>;
  }
}
