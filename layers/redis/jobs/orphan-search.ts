import type { Clock } from "../../clock.ts";
import { asError } from "../../errors.ts";
import { longestPauseMs } from "../../retry.ts";
import { isRefusal } from "../connection/redis-connection.ts";
import { isWaiting } from "./consumer-names.ts";
import { type OrphanTurn, orphanGate } from "./orphan-gate.ts";
import { OwnerWatch } from "./owner-watch.ts";
import type { RedisClaim } from "./queue-claim.ts";
import { isWithoutGroup, type RedisQueueConsumer } from "./queue-consumer.ts";

export interface SearchSettings {
  readonly clock: Clock;
  readonly claimAfterMs: number;
  readonly onError: (error: Error) => void;
}

/** Observes the other consumers of a queue, and takes over the jobs of those that have died. */
export class OrphanSearch {
  readonly #consumer: RedisQueueConsumer;
  readonly #settings: SearchSettings;
  readonly #watch: OwnerWatch;
  /** The pause between two observations. */
  readonly #intervalMs: number;
  /** A consumer seems silent if its claims are idle for this time. It gives life signs more often. */
  readonly #idleMs: number;
  #timer: unknown;
  #turn: OrphanTurn | undefined;
  /** Whether the last observation found orphans. */
  #hasOrphans = false;
  #isRefused = false;
  #isClosed = false;

  constructor(consumer: RedisQueueConsumer, settings: SearchSettings) {
    this.#consumer = consumer;
    this.#settings = settings;
    this.#intervalMs = settings.claimAfterMs / 5;
    this.#idleMs = settings.claimAfterMs * 0.4;
    this.#watch = new OwnerWatch(settings.claimAfterMs - this.#idleMs, this.#intervalMs);
  }

  open(): void {
    void this.#observe();
  }

  /** Begins all observations again, because the other consumers may need as long to reconnect. */
  reconnected(): void {
    this.#watch.restart(performance.now() + longestPauseMs + this.#idleMs);
  }

  /**
   * Takes over one job, if a consumer has died and no other job runs in this process. Waits for running jobs
   * for at most `claimAfterMs`. Returns no job once `signal` is aborted.
   */
  async take(signal: AbortSignal): Promise<readonly RedisClaim[]> {
    if (this.#dead.length === 0 && !this.#hasOrphans) return [];
    const { claimAfterMs, clock } = this.#settings;
    const turn = await orphanGate.enter(claimAfterMs, clock, signal);
    this.#turn = turn;
    try {
      const taken = signal.aborted ? [] : await this.#consumer.takeOver(this.#dead, this.#idleMs, turn);
      if (taken.length > 0) {
        this.#hasOrphans = true;
        return taken;
      }
      if (!signal.aborted) this.#reset();
    } catch (error) {
      turn.end();
      throw error;
    }
    turn.end();
    return [];
  }

  close(): void {
    this.#isClosed = true;
    this.#settings.clock.clearTimeout(this.#timer);
    this.#turn?.end();
  }

  /** The dead consumers whose jobs may have been running. */
  get #dead(): readonly string[] {
    return this.#watch.dead.filter((consumer) => !isWaiting(consumer));
  }

  /** Observes the other consumers. Returns the jobs to the queue that wait for a retry at a dead one. */
  async #observe(): Promise<void> {
    const askedAt = performance.now();
    try {
      const { hasOrphans, consumers } = await this.#consumer.silent(this.#idleMs);
      this.#hasOrphans = hasOrphans;
      this.#watch.observe(consumers, askedAt, performance.now());
      const waiting = this.#watch.dead.filter(isWaiting);
      if (waiting.length > 0) await this.#consumer.returnJobs(waiting, this.#idleMs);
      this.#isRefused = false;
    } catch (error) {
      this.#watch.restart();
      // The source notices that the queue is gone.
      if (isRefusal(error) && !isWithoutGroup(error)) this.#refused(asError(error));
    }
    if (this.#isClosed) return;
    this.#timer = this.#settings.clock.setTimeout(() => void this.#observe(), this.#intervalMs);
  }

  /** Waits for the next observation: other workers have taken all orphans, or their owners are alive. */
  #reset(): void {
    this.#hasOrphans = false;
    this.#watch.restart();
  }

  #refused(error: Error): void {
    if (!this.#isRefused) this.#settings.onError(error);
    this.#isRefused = true;
  }
}
