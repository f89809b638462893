import type { IncomingMessage, ServerResponse } from "node:http";
import { type Histogram, Registry } from "prom-client";
import { GreenroomError } from "../layers/errors.ts";
import { type Internals, internals } from "../runtime/internals.ts";
import { LoopDelay } from "../runtime/loop-delay.ts";
import { ActorCensus } from "./actor-census.ts";
import { LayersMeter } from "./layer-metrics.ts";
import { metricsListener } from "./metrics-listener.ts";
import { namedMetrics } from "./named-metrics.ts";
import { RuntimeMeter } from "./runtime-meter.ts";
import { runtimeMetrics } from "./runtime-metrics.ts";
import { ScrapedMetric } from "./scraped-metric.ts";

/** Options of {@link collectMetrics}. */
export interface MetricsOptions {
  /** The registry of prom-client to which the metrics are added. @default a new one */
  readonly register?: Registry;
  /** The beginning of the name of each metric: letters, digits and `_`. @default "greenroom_" */
  readonly prefix?: string;
}

/** The metrics of a runtime. */
export interface Metrics {
  /** The registry. `await register.metrics()` is the text of a scrape. */
  readonly register: Registry;
  /**
   * Answers each GET request with a scrape, on any path: for a server of its own, on an address that only Prometheus
   * can reach. The names of consumers, queues and layers are in the answer.
   */
  readonly listener: (request: IncomingMessage, response: ServerResponse) => void;
  /** Stops to measure, and removes the metrics from the registry. May be called twice. */
  close(): void;
}

/** The metrics of the runtime are collected already, or an option of `collectMetrics` is invalid. */
export class MetricsError extends GreenroomError {
  constructor(message: string) {
    super("ERR_METRICS", message);
  }
}

/** A runtime with any layers. */
interface MeasuredRuntime {
  /** @internal */
  readonly [internals]: Internals;
}

/**
 * Collects the metrics of a runtime and its layers for Prometheus. Needs the package `prom-client`. Most metrics are
 * read when they are scraped, and cost nothing between scrapes. Only the four histograms read the clock meanwhile.
 *
 * Nothing is served by the runtime itself, so no client can read the metrics. Serve `listener` on an address of its
 * own.
 *
 * @throws {MetricsError} (`ERR_METRICS`) if the metrics of this runtime are collected already, if `prefix` is not the
 *   beginning of a name, or if the registry has a metric with the same name.
 *
 * @example
 * ```ts
 * const { listener } = collectMetrics(runtime);
 * createServer(listener).listen(9464, "127.0.0.1");
 * ```
 */
export function collectMetrics(
  runtime: MeasuredRuntime,
  { register = new Registry(), prefix = "greenroom_" }: MetricsOptions = {},
): Metrics {
  const { context } = runtime[internals];
  const { instruments, layers } = context;
  if (instruments.meter !== undefined)
    throw new MetricsError(
      "The metrics of this runtime are collected already: keep the first result, or close it before.",
    );
  if (!/^[a-zA-Z_]\w*$/.test(prefix))
    throw new MetricsError(
      `The prefix ${JSON.stringify(prefix)} cannot begin a name: use letters, digits and "_".`,
    );
  const meter = new RuntimeMeter();
  const loopDelay = new LoopDelay();
  const layersMeter = new LayersMeter(layers);
  const definitions = [
    ...runtimeMetrics({ context, census: new ActorCensus(context), meter, loopDelay }),
    ...layersMeter.definitions,
    ...namedMetrics(context.named),
  ];
  const metrics = definitions.map((definition) => new ScrapedMetric(prefix, definition));
  const taken = metrics.find(({ name }) => register.getSingleMetric(name) !== undefined);
  if (taken !== undefined)
    throw new MetricsError(`The registry has a metric "${taken.name}" already: choose another prefix.`);
  for (const metric of metrics) register.registerMetric(metric as unknown as Histogram);
  instruments.meter = meter;
  layersMeter.start();
  loopDelay.start();
  return {
    register,
    listener: metricsListener(register, (error) => context.report(error, { stage: "metrics" })),
    close() {
      if (instruments.meter !== meter) return;
      instruments.meter = undefined;
      layersMeter.stop();
      loopDelay.stop();
      for (const { name } of metrics) register.removeSingleMetric(name);
    },
  };
}
