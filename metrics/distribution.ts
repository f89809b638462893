import type { Sample } from "./scraped-metric.ts";

/** The upper bounds of the buckets, in seconds. */
const bounds = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];

/**
 * A histogram of times. `Histogram` of prom-client looks up its labels at each observation, which takes ten times as
 * long, and cannot observe a value several times at once.
 */
export class Distribution {
  readonly #buckets = bounds.map(() => 0);
  #sum = 0;
  #count = 0;

  /** Adds `count` times of `ms` milliseconds each. */
  observe(ms: number, count = 1): void {
    const seconds = ms / 1_000;
    this.#sum += seconds * count;
    this.#count += count;
    for (let index = 0; index < bounds.length; index += 1) {
      if (seconds <= (bounds[index] as number)) {
        this.#buckets[index] = (this.#buckets[index] as number) + count;
        return;
      }
    }
  }

  /** The samples of a metric named `name`, in the format of Prometheus: each bucket includes the smaller ones. */
  samples(name: string, labels: Sample["labels"]): Sample[] {
    let below = 0;
    const buckets = bounds.map((bound, index) => {
      below += this.#buckets[index] as number;
      return { labels: { ...labels, le: `${bound}` }, value: below, metricName: `${name}_bucket` };
    });
    return [
      ...buckets,
      { labels: { ...labels, le: "+Inf" }, value: this.#count, metricName: `${name}_bucket` },
      { labels, value: this.#sum, metricName: `${name}_sum` },
      { labels, value: this.#count, metricName: `${name}_count` },
    ];
  }
}
