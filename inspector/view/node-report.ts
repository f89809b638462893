import type { ChannelLayer } from "../../layers/channel-layer.ts";
import type { Counters } from "../../runtime/counters.ts";
import type { Dropped, Figures, LayerReport } from "../protocol.ts";
import { LoopDelay } from "./loop-delay.ts";
import { Rates } from "./rates.ts";

/** What the inspector itself counts while somebody looks. */
export interface Traffic {
  readonly framesIn: number;
  readonly framesOut: number;
}

/** Sums up what a node does: its figures and its layers, with how quickly they grow. */
export class NodeReport {
  readonly #layers: readonly (readonly [string, ChannelLayer])[];
  readonly #counters: Counters;
  readonly #loopDelay = new LoopDelay();
  #rates = new Rates();

  constructor(layers: Readonly<Record<string, ChannelLayer>>, counters: Counters) {
    this.#layers = Object.entries(layers);
    this.#counters = counters;
  }

  start(): void {
    this.#rates = new Rates();
    this.#loopDelay.start();
  }

  stop(): void {
    this.#loopDelay.stop();
  }

  /** To be called at each tick: rates are over the last few of them. */
  take(
    traffic: Traffic,
    actors: Pick<Figures, "actors" | "watching">,
  ): { readonly figures: Figures; readonly layers: readonly LayerReport[] } {
    const { refused, dropped } = this.#counters.snapshot();
    const layers = this.#layers.map(([alias, layer]) => ({ alias, layer, counters: layer.counters() }));
    const { user, system } = process.cpuUsage();
    const totals = new Map(Object.entries({ ...traffic, cpuMicroseconds: user + system }));
    const count = (name: string, counts: Readonly<Record<string, number>>) => {
      for (const [key, value] of Object.entries(counts)) totals.set(`${name} ${key}`, value);
    };
    count("dropped", dropped);
    for (const { alias, counters } of layers) {
      const { dropped: lost, ...carried } = counters;
      count(`layer ${alias}`, carried);
      count(`layer ${alias} dropped`, lost);
    }
    this.#rates.sample(performance.now(), totals);
    const rate = (name: string) => this.#rates.perSecond(name);
    const reports = layers.map(({ alias, layer, counters }): LayerReport => {
      const { dropped: lost, ...carried } = counters;
      const own = `layer ${alias}`;
      return {
        alias,
        kind: layer.constructor.name,
        health: layer.health,
        ...carried,
        publishedPerSecond: rate(`${own} published`),
        receivedPerSecond: rate(`${own} received`),
        deliveredPerSecond: rate(`${own} delivered`),
        consumedPerSecond: rate(`${own} consumed`),
        dropped: this.#lost(`${own} dropped`, lost),
      };
    });
    const { rss, heapUsed } = process.memoryUsage();
    return {
      layers: reports,
      figures: {
        ...actors,
        deliveriesPerSecond: reports.reduce((sum, { deliveredPerSecond }) => sum + deliveredPerSecond, 0),
        framesInPerSecond: rate("framesIn"),
        framesOutPerSecond: rate("framesOut"),
        loopDelay: this.#loopDelay.take(),
        rssBytes: rss,
        heapBytes: heapUsed,
        cpu: rate("cpuMicroseconds") / 1e6,
        refused,
        dropped: this.#lost("dropped", dropped),
      },
    };
  }

  #lost<R extends string>(name: string, counts: Readonly<Partial<Record<R, number>>>): Dropped<R> {
    const lost = Object.entries<number>(counts as Record<string, number>).filter(([, total]) => total > 0);
    return Object.fromEntries(
      lost.map(([reason, total]) => [
        reason,
        { total, perSecond: this.#rates.perSecond(`${name} ${reason}`) },
      ]),
    ) as Dropped<R>;
  }
}
