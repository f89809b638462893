/** One line of a scrape. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** @default the name of the metric */
  readonly metricName?: string;
}

/** A metric that is read when it is scraped. */
export interface Definition {
  /** The name without the prefix. */
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  /** @param name the name with the prefix */
  read(name: string): readonly Sample[] | Promise<readonly Sample[]>;
}

const definer =
  (type: Definition["type"]) =>
  (name: string, help: string, read: Definition["read"]): Definition => ({ name, type, help, read });

export const counter = definer("counter");
export const gauge = definer("gauge");
export const histogram = definer("histogram");

/** A metric as a registry of prom-client calls it. The metrics of prom-client keep values; this one reads them. */
export class ScrapedMetric {
  readonly name: string;
  readonly help: string;
  readonly type: Definition["type"];
  /** How prom-client merges the metrics of the workers of a cluster. */
  readonly aggregator = "sum";
  readonly #definition: Definition;

  constructor(prefix: string, definition: Definition) {
    this.name = `${prefix}${definition.name}`;
    this.help = definition.help;
    this.type = definition.type;
    this.#definition = definition;
  }

  async get(): Promise<object> {
    const { name, help, type, aggregator } = this;
    return { name, help, type, aggregator, values: await this.#definition.read(name) };
  }

  /** Called by `resetMetrics` of a registry. The values belong to the runtime, so nothing is reset. */
  reset(): void {}
}

/**
 * Returns a function that calls `read` once for each scrape. A registry begins to read all its metrics in one go, so
 * they share the result until the next microtask.
 */
export function oncePerScrape<T>(read: () => T): () => T {
  let latest: { readonly value: T } | undefined;
  return () => {
    if (latest === undefined) {
      latest = { value: read() };
      queueMicrotask(() => {
        latest = undefined;
      });
    }
    return latest.value;
  };
}

/** The samples of one metric with one label, from a record of its values. */
export const samplesBy = (label: string, values: Readonly<Record<string, number>>): Sample[] =>
  Object.entries(values).map(([key, value]) => ({ labels: { [label]: key }, value }));

/** The sample of a metric without labels. */
export const single = (value: number): Sample[] => [{ labels: {}, value }];
