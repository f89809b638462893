import { quantile } from "../statistics.ts";
import { now } from "./clock.ts";
import type { Arrived } from "./tasks.ts";

/** The `sentAt` of a message that is sent before the measuring, to see whether it arrives. */
export const greeting = -1;

/** How many messages one acknowledgement stands for: few enough, so that telling costs next to nothing. */
const perAcknowledgement = 25;

/** Counts what arrives, and how long it was on its way. */
export class Arrivals {
  readonly #tell: (count: number) => void;
  #expected = 0;
  #count = 0;
  #untold = 0;
  #latencies = new Float64Array(0);
  #cpu = process.cpuUsage();
  #finish: (figures: Arrived) => void = () => {};
  #finished: Promise<Arrived> | undefined;

  /** @param tell hears how many have arrived since it was told last, and 0 for a greeting. */
  constructor(tell: (count: number) => void) {
    this.#tell = tell;
  }

  /** Begins anew, and to measure. */
  expect(messages: number): void {
    this.#expected = messages;
    this.#count = 0;
    this.#latencies = new Float64Array(messages);
    this.#finished = new Promise((resolve) => {
      this.#finish = resolve;
    });
    this.#cpu = process.cpuUsage();
  }

  /** What was measured, once all has arrived. */
  get all(): Promise<Arrived> {
    if (this.#finished === undefined) throw new Error("Nothing was expected yet.");
    return this.#finished;
  }

  readonly arrived = (sentAt: number): void => {
    if (sentAt === greeting) {
      this.#tell(0);
      return;
    }
    this.#latencies[this.#count] = now() - sentAt;
    this.#count += 1;
    this.#untold += 1;
    if (this.#count === this.#expected) this.#end();
    else if (this.#untold === perAcknowledgement) this.#acknowledge();
  };

  #end(): void {
    const { user, system } = process.cpuUsage(this.#cpu);
    const sorted = this.#latencies.sort();
    this.#finish({
      cpuMicros: user + system,
      p50Ms: quantile(sorted, 0.5),
      p99Ms: quantile(sorted, 0.99),
    });
    this.#acknowledge();
  }

  #acknowledge(): void {
    this.#tell(this.#untold);
    this.#untold = 0;
  }
}
