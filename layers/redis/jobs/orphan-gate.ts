import type { Clock } from "../../clock.ts";

/**
 * Lets one orphan at a time run without company. An orphan is a job whose process died: perhaps this job ended
 * the process, and would do so again. While an orphan runs, no other job begins. All waits are limited, so a
 * handler that never settles delays other jobs, but does not stop them.
 */
export class OrphanGate {
  /** The running ordinary jobs that an orphan waits for. */
  readonly #running = new Set<symbol>();
  /** The orphan that runs alone is first. The others wait for their turn. */
  readonly #turns = new Set<OrphanTurn>();
  readonly #waiters = new Set<() => void>();

  /** Whether ordinary jobs may begin. */
  get isOpen(): boolean {
    return this.#turns.size === 0;
  }

  /** Resolves once ordinary jobs may begin, or `signal` is aborted. */
  opened(signal?: AbortSignal): Promise<void> {
    return this.#until(() => this.isOpen, signal);
  }

  /** Runs an ordinary job once the gate is open, or `signal` is aborted. */
  async run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    await this.opened(signal);
    const job = Symbol("job");
    this.#running.add(job);
    try {
      return await work();
    } finally {
      this.#running.delete(job);
      this.#change();
    }
  }

  /**
   * Closes the gate until {@link OrphanTurn.end}. Resolves once no other job runs, or `signal` is aborted.
   * Waits for running jobs for at most `maxMs`, and later calls do not wait for the same jobs again.
   */
  async enter(maxMs: number, clock: Clock, signal: AbortSignal): Promise<OrphanTurn> {
    const turn: OrphanTurn = new OrphanTurn(maxMs, clock, () => {
      this.#turns.delete(turn);
      this.#change();
    });
    this.#turns.add(turn);
    await this.#until(() => [...this.#turns][0] === turn, signal);
    const timer = clock.setTimeout(() => {
      this.#running.clear();
      this.#change();
    }, maxMs);
    await this.#until(() => this.#running.size === 0, signal);
    clock.clearTimeout(timer);
    return turn;
  }

  async #until(holds: () => boolean, signal?: AbortSignal): Promise<void> {
    while (!holds() && signal?.aborted !== true) {
      await new Promise<void>((resolve) => {
        const wake = () => {
          this.#waiters.delete(wake);
          signal?.removeEventListener("abort", wake);
          resolve();
        };
        this.#waiters.add(wake);
        signal?.addEventListener("abort", wake);
      });
    }
  }

  #change(): void {
    for (const wake of [...this.#waiters]) wake();
  }
}

/** The right of one orphan to run alone. */
export class OrphanTurn {
  readonly #maxMs: number;
  readonly #clock: Clock;
  readonly #onEnd: () => void;

  constructor(maxMs: number, clock: Clock, onEnd: () => void) {
    this.#maxMs = maxMs;
    this.#clock = clock;
    this.#onEnd = onEnd;
  }

  /** Runs the orphan. The turn ends with the orphan, and at the latest after `maxMs`. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    const timer = this.#clock.setTimeout(() => this.end(), this.#maxMs);
    try {
      return await work();
    } finally {
      this.#clock.clearTimeout(timer);
      this.end();
    }
  }

  /** Opens the gate for other jobs. May be called more than once. */
  end(): void {
    this.#onEnd();
  }
}

/** The gate of this process. A job that ends the process ends the jobs of all layers, so they share one gate. */
export const orphanGate = new OrphanGate();
