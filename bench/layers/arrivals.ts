import { now } from "../harness/clock.ts";
import { cpuMicros } from "../harness/cpu.ts";
import { quantile } from "../harness/results.ts";

/** Latency is the time from the sending call to the arrival at the first member. */
export interface ArrivalFigures {
  readonly cpuMicros: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** The `sentAt` of a greeting: a message that only shows that messages arrive, and is not measured. */
export const greeting = -1;

/** Messages per acknowledgement: enough to make the cost of acknowledging negligible. */
const perAcknowledgement = 25;

/** Counts messages and records their latency. */
export class Arrivals {
  readonly #send: (count: number) => void;
  #expected = 0;
  #count = 0;
  #unacknowledged = 0;
  #latencies = new Float64Array(0);
  #cpuBefore = 0;
  #finish: (figures: ArrivalFigures) => void = () => {};
  #finished: Promise<ArrivalFigures> | undefined;

  /** @param acknowledge called with the number of messages since the last call, or with 0 for a greeting */
  constructor(acknowledge: (count: number) => void) {
    this.#send = acknowledge;
  }

  expect(messages: number): void {
    this.#expected = messages;
    this.#count = 0;
    this.#latencies = new Float64Array(messages);
    this.#finished = new Promise((resolve) => {
      this.#finish = resolve;
    });
    this.#cpuBefore = cpuMicros();
  }

  /** Resolves with the figures when all messages have arrived. */
  get all(): Promise<ArrivalFigures> {
    if (this.#finished === undefined) throw new Error("Call expect() first.");
    return this.#finished;
  }

  readonly arrived = (sentAt: number): void => {
    if (sentAt === greeting) {
      this.#send(0);
      return;
    }
    this.#latencies[this.#count] = now() - sentAt;
    this.#count += 1;
    this.#unacknowledged += 1;
    if (this.#count === this.#expected) this.#end();
    else if (this.#unacknowledged === perAcknowledgement) this.#acknowledge();
  };

  #end(): void {
    const sorted = this.#latencies.sort();
    this.#finish({
      cpuMicros: cpuMicros() - this.#cpuBefore,
      p50Ms: quantile(sorted, 0.5),
      p99Ms: quantile(sorted, 0.99),
    });
    this.#acknowledge();
  }

  #acknowledge(): void {
    this.#send(this.#unacknowledged);
    this.#unacknowledged = 0;
  }
}
