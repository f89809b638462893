import type { ChannelLayer } from "../layers/channel-layer.ts";
import { systemClock } from "../layers/clock.ts";
import { dropReasons, type LayerCounters, type LayerMeter } from "../layers/counters.ts";
import { deadSuffix } from "../layers/names.ts";
import { withTimeout } from "../layers/with-timeout.ts";
import { Distribution } from "./distribution.ts";
import { counter, type Definition, gauge, histogram, type Sample } from "./scraped-metric.ts";

type Layers = Readonly<Record<string, ChannelLayer>>;

/** A scrape waits for at most this many milliseconds for the size of a queue. */
const queueTimeoutMs = 1_000;

/** Collects the times of one layer. */
class LayerTimes implements LayerMeter {
  readonly publish = new Distribution();
  readonly delivery = new Distribution();

  published(ms: number): void {
    this.publish.observe(ms);
  }

  delivered(ms: number, count: number): void {
    this.delivery.observe(ms, count);
  }
}

/** Measures the layers of a runtime. */
export class LayersMeter {
  readonly definitions: readonly Definition[];
  readonly #layers: Layers;
  readonly #times: readonly (readonly [alias: string, times: LayerTimes])[];

  constructor(layers: Layers) {
    this.#layers = layers;
    this.#times = Object.keys(layers).map((alias) => [alias, new LayerTimes()] as const);
    this.definitions = layerMetrics(layers, this.#times);
  }

  start(): void {
    for (const [alias, times] of this.#times) (this.#layers[alias] as ChannelLayer).meter = times;
  }

  stop(): void {
    for (const layer of Object.values(this.#layers)) layer.meter = undefined;
  }
}

/** The metrics of the layers of a runtime, by alias. */
function layerMetrics(
  layers: Layers,
  times: readonly (readonly [alias: string, times: LayerTimes])[],
): Definition[] {
  const byLayer = (read: (layer: ChannelLayer) => number) => () =>
    Object.entries(layers).map(([layer, each]) => ({ labels: { layer }, value: read(each) }));
  const total = (figure: Exclude<keyof LayerCounters, "dropped">) =>
    byLayer((layer) => layer.counters()[figure]);
  const timesOf = (figure: "delivery" | "publish") => (name: string) =>
    times.flatMap(([layer, meter]) => meter[figure].samples(name, { layer }));
  return [
    gauge(
      "layer_up",
      "1 if the layer can send and receive, else 0",
      byLayer(({ health }) => Number(health.ok)),
    ),
    counter("layer_published_total", "Messages that this node has sent", total("published")),
    counter("layer_received_total", "Payloads that arrived at this node", total("received")),
    counter("layer_delivered_total", "Messages that reached inboxes of this node", total("delivered")),
    counter("layer_consumed_total", "Jobs that handlers of this node have completed", total("consumed")),
    counter("layer_retried_total", "Failed attempts at jobs that are followed by another", total("retried")),
    counter("layer_gaps_total", "Gaps in groups with members on this node", total("gaps")),
    counter("layer_dropped_total", "Dropped messages, by reason", () =>
      Object.entries(layers).flatMap(([layer, each]) =>
        dropReasons.map((reason) => ({
          labels: { layer, reason },
          value: each.counters().dropped[reason] ?? 0,
        })),
      ),
    ),
    histogram("layer_publish_seconds", "Time until the backend has accepted a message", timesOf("publish")),
    histogram(
      "layer_delivery_seconds",
      "Time from the arrival of a message until its last inbox of this node has it",
      timesOf("delivery"),
    ),
    gauge("queue_jobs", "Jobs of the queues that this node consumes, running ones included", () =>
      queueSizes(layers),
    ),
    gauge("queue_running", "Jobs that run on this node", () =>
      queuesOf(layers).map(([alias, layer, queue]) => ({
        labels: { layer: alias, queue },
        value: layer.runningJobs.filter(({ channel }) => channel === queue).length,
      })),
    ),
  ];
}

/** The queues that this node consumes. */
const queuesOf = (layers: Layers) =>
  Object.entries(layers).flatMap(([alias, layer]) =>
    layer.consumedChannels.map((queue) => [alias, layer, queue] as const),
  );

/** The sizes of the consumed queues and of their dead letters. A queue that cannot be reached is left out. */
async function queueSizes(layers: Layers): Promise<Sample[]> {
  const sizes = queuesOf(layers).flatMap(([alias, layer, queue]) =>
    (queue.endsWith(deadSuffix) ? [queue] : [queue, queue + deadSuffix]).map(async (name) => ({
      labels: { layer: alias, queue: name },
      value: await sizeOf(layer, name),
    })),
  );
  const settled = await Promise.allSettled(sizes);
  const samples = settled.flatMap((size) => (size.status === "fulfilled" ? [size.value] : []));
  // A node may consume a queue and its dead letters.
  return [...new Map(samples.map((sample) => [Object.values(sample.labels).join(), sample])).values()];
}

const sizeOf = (layer: ChannelLayer, queue: string): Promise<number> =>
  withTimeout(
    layer.queueSize(queue),
    queueTimeoutMs,
    systemClock,
    () => new Error(`The size of "${queue}" is not known.`),
  );
