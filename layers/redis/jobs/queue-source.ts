import type { QueueReceiver } from "../../backend.ts";
import type { Clock } from "../../clock.ts";
import { asError } from "../../errors.ts";
import type { JobSource } from "../../jobs/job-worker.ts";
import { backoffMs } from "../../retry.ts";
import { withTimeout } from "../../with-timeout.ts";
import { isRefusal } from "../connection/refusal.ts";
import type { RedisServer } from "../connection/server-options.ts";
import { isWithoutGroup, type RedisClaim, RedisQueueConsumer } from "./queue-consumer.ts";
import { type Commands, RedisQueueReader } from "./queue-reader.ts";

/** How long to wait between two looks for what others left behind, at most, in milliseconds. */
const longestSweepMs = 2_000;

/** How long a consumer that holds nothing must have been silent until it is removed, at least, in milliseconds. */
const shortestIdleMs = 10_000;

/** How long a server may take to answer a source that closes, in milliseconds. */
const lingerMs = 1_000;

/** The longest pause between attempts to say what became of a job, as a number of failures. */
const mostFailures = 5;

/** What a source needs beside its queue. */
export interface SourceSettings {
  readonly server: RedisServer;
  readonly commands: Commands;
  readonly clock: Clock;
  readonly claimAfterMs: number;
}

/**
 * Takes the jobs of one queue as a consumer of its consumer group.
 *
 * What it holds it claims anew three times within `claimAfterMs`; what nobody has claimed for that long it takes over.
 * Every entry is held until the job is done: an outage only makes that take longer.
 */
export class RedisQueueSource implements JobSource<RedisClaim> {
  readonly #consumer: RedisQueueConsumer;
  readonly #receiver: QueueReceiver;
  readonly #clock: Clock;
  readonly #claimAfterMs: number;
  readonly #patienceMs: number;
  readonly #reader: RedisQueueReader;
  readonly #held = new Map<string, RedisClaim>();
  /** What is over, though the server does not know yet: nobody's claim any more. */
  readonly #over = new Set<RedisClaim>();
  /** By what is tried again and again, why the server refuses it. */
  readonly #refusals = new Map<object, Error>();
  #isInterrupted = false;
  /** When to stop saying what became of a job: never, until the source closes. */
  #giveUpAt = Number.POSITIVE_INFINITY;
  #isRecoveryDue = false;
  #sweepAt = 0;
  #tidyAt = 0;
  #renewal: unknown;
  #interrupting: Promise<void> | undefined;
  #wake = () => {};
  /** Ends a take whose command is not answered: what it would have given is delivered again. */
  #abandon = () => {};
  #abandoning: unknown;
  readonly #abandoned = new Promise<RedisClaim[]>((resolve) => {
    this.#abandon = () => resolve([]);
  });

  constructor(queue: string, receiver: QueueReceiver, settings: SourceSettings) {
    const { server, commands, clock, claimAfterMs } = settings;
    this.#consumer = new RedisQueueConsumer(queue, commands);
    this.#receiver = receiver;
    this.#clock = clock;
    this.#claimAfterMs = claimAfterMs;
    this.#patienceMs = server.connectTimeoutMs;
    this.#reader = new RedisQueueReader(
      server,
      commands,
      {
        up: () => this.#up(),
        // The answer to a read may have been on its way.
        down: () => {
          this.#isRecoveryDue = true;
        },
        error: (error) => receiver.error(error),
      },
      clock,
    );
  }

  /** Why nothing can be read at the moment, or not be told what became of a job. */
  get outage(): Error | undefined {
    const [refusal] = this.#refusals.values();
    return this.#reader.outage ?? refusal;
  }

  /** @throws {LayerUnavailableError} */
  async open(): Promise<void> {
    try {
      await Promise.all([this.#reader.open(), this.#consumer.createGroup()]);
      // What was left behind before comes first.
      this.#sweepAt = 0;
    } catch (error) {
      await this.#reader.close();
      throw error;
    }
    this.#scheduleRenewal();
  }

  async take(limit: number): Promise<readonly RedisClaim[]> {
    let failures = 0;
    while (!this.#isInterrupted) {
      try {
        const claims = await Promise.race([this.#takeNow(limit), this.#abandoned]);
        if (claims.length > 0) return claims;
        failures = 0;
      } catch (error) {
        failures += 1;
        await this.#overcome(error, failures);
      }
    }
    return [];
  }

  interrupt(): void {
    this.#isInterrupted = true;
    this.#giveUpAt = performance.now() + this.#patienceMs;
    this.#wake();
    this.#abandoning ??= this.#clock.setTimeout(this.#abandon, lingerMs);
    this.#interrupting ??= this.#reader.interrupt();
  }

  async done(claim: RedisClaim): Promise<void> {
    await this.#end(claim, () => this.#consumer.done(claim));
  }

  async again(claim: RedisClaim): Promise<RedisClaim | undefined> {
    const next = await this.#insist(() => this.#consumer.again(claim));
    if (next === undefined) this.#forget(claim);
    else this.#held.set(next.id, next);
    return next;
  }

  async bury(claim: RedisClaim): Promise<void> {
    await this.#end(claim, () => this.#consumer.bury(claim));
  }

  async release(claim: RedisClaim, unbegun: boolean): Promise<void> {
    const attempts = unbegun ? claim.attempt - 1 : claim.attempt;
    await this.#end(claim, () => this.#consumer.release(claim, attempts));
  }

  async close(): Promise<void> {
    this.#clock.clearTimeout(this.#renewal);
    this.#clock.clearTimeout(this.#abandoning);
    await this.#interrupting;
    const late = () => new Error("no answer to a goodbye");
    // In an outage it stays, until somebody finds it idle.
    const leaving = withTimeout(this.#consumer.leave(), lingerMs, this.#clock, late).catch(() => {});
    await Promise.all([leaving, this.#reader.close()]);
  }

  /** The commands' connection is back: what is held has been out of reach for a while. */
  renew(): void {
    const claims = [...this.#held.values()].filter((claim) => !this.#over.has(claim));
    if (claims.length === 0) return;
    this.#consumer
      .renew(claims)
      .then((lost) => {
        for (const claim of lost) if (!this.#over.has(claim)) claim.abandoned.abort();
      })
      // The next time comes soon enough; that there is an outage, the connection says.
      .catch(() => {});
  }

  async #takeNow(limit: number): Promise<readonly RedisClaim[]> {
    const now = performance.now();
    if (now >= this.#tidyAt) this.#tidy(now);
    if (this.#isRecoveryDue) {
      const found = this.#hold(await this.#consumer.recover(limit, this.#held.keys()));
      this.#isRecoveryDue = found.length === limit;
      if (found.length > 0) return found;
    }
    if (now >= this.#sweepAt) {
      const taken = this.#hold(await this.#consumer.takeOver(limit, this.#claimAfterMs, this.#held.keys()));
      // Where there was one, there may be more, and they are the oldest.
      if (taken.length > 0) return taken;
      this.#sweepAt = now + this.#sweepMs;
    }
    if (this.#isInterrupted) return [];
    return this.#hold(await this.#consumer.read(this.#reader, limit, this.#sweepAt - now));
  }

  get #sweepMs(): number {
    return Math.min(this.#claimAfterMs / 3, longestSweepMs);
  }

  #hold(claims: RedisClaim[]): RedisClaim[] {
    for (const claim of claims) this.#held.set(claim.id, claim);
    return claims;
  }

  #forget(claim: RedisClaim): void {
    if (this.#held.get(claim.id) === claim) this.#held.delete(claim.id);
    this.#over.delete(claim);
  }

  async #end(claim: RedisClaim, say: () => Promise<unknown>): Promise<void> {
    this.#over.add(claim);
    await this.#insist(say);
    this.#forget(claim);
  }

  /** Tries until it works, or this source has been closing for too long: the job will be delivered again then. */
  async #insist<T>(work: () => Promise<T>): Promise<T | undefined> {
    for (let failures = 1; ; failures += 1) {
      try {
        const result = await work();
        this.#refusals.delete(work);
        return result;
      } catch (error) {
        if (performance.now() >= this.#giveUpAt) {
          this.#refusals.delete(work);
          this.#receiver.error(asError(error));
          return undefined;
        }
        this.#note(work, error);
        await this.#pause(backoffMs(Math.min(failures, mostFailures)));
      }
    }
  }

  /** What the server refuses may go on for ever, and nobody else would tell; an outage is told by the connection itself. */
  #note(work: object, error: unknown): void {
    if (!isRefusal(error)) return;
    const isFirst = this.#refusals.size === 0;
    this.#refusals.set(work, asError(error));
    if (isFirst) this.#receiver.error(asError(error));
  }

  /** Does what can be done about a read that failed, and waits a little. */
  async #overcome(error: unknown, failures: number): Promise<void> {
    if (isWithoutGroup(error)) {
      try {
        await this.#consumer.createGroup();
        return;
      } catch {
        // As any other failure.
      }
    }
    if (this.#isInterrupted) return;
    // An outage is reported by the connection itself.
    if (failures === 1 && this.#reader.isUp) this.#receiver.error(asError(error));
    await this.#pause(backoffMs(failures), (wake) => {
      this.#wake = wake;
    });
  }

  #up(): void {
    // Those who were cut off as well shall have time to claim what they hold.
    this.#sweepAt = performance.now() + this.#sweepMs;
    this.#wake();
  }

  #scheduleRenewal(): void {
    this.#renewal = this.#clock.setTimeout(() => {
      this.renew();
      this.#scheduleRenewal();
    }, this.#claimAfterMs / 3);
  }

  #tidy(now: number): void {
    const idleMs = Math.max(this.#claimAfterMs, shortestIdleMs);
    this.#tidyAt = now + idleMs;
    // Nothing depends on it, so the next time will do.
    this.#consumer.tidy(idleMs).catch(() => {});
  }

  #pause(ms: number, onWake: (wake: () => void) => void = () => {}): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#clock.setTimeout(() => resolve(), ms);
      onWake(() => {
        this.#clock.clearTimeout(timer);
        resolve();
      });
    });
  }
}
