import type { QueueReceiver } from "../../backend.ts";
import type { Clock } from "../../clock.ts";
import { asError } from "../../errors.ts";
import type { JobSource } from "../../jobs/job-worker.ts";
import { backoffMs, pause, retry } from "../../retry.ts";
import { withTimeout } from "../../with-timeout.ts";
import { isRefusal } from "../connection/redis-connection.ts";
import type { RedisServer } from "../connection/server-options.ts";
import { isUnblocked, isWithoutGroup, RedisClaim, RedisQueueConsumer } from "./queue-consumer.ts";
import type { QueueLoss } from "./queue-loss.ts";
import { type Commands, RedisQueueReader } from "./queue-reader.ts";

/** The longest pause between two searches for abandoned entries. */
const maxSweepMs = 2_000;

/** The shortest idle time after which a consumer without entries is removed. */
const minIdleMs = 10_000;

const closeTimeoutMs = 1_000;

/** The longest pause between attempts to report the outcome of a job. */
const maxPauseMs = 1_600;

export interface SourceSettings {
  readonly server: RedisServer;
  readonly commands: Commands;
  readonly clock: Clock;
  readonly claimAfterMs: number;
  readonly measuresAge: boolean;
  /** Milliseconds after which an empty queue without workers expires. */
  readonly queueIdleMs: number;
  readonly loss: QueueLoss;
}

/**
 * Takes the jobs of one queue, as a consumer of the queue's consumer group. Renews its own claims three times
 * per `claimAfterMs`. Takes over an entry if another consumer has not renewed its claim for `claimAfterMs`.
 * If a job ends during an outage, its outcome is reported after the outage.
 */
export class RedisQueueSource implements JobSource<RedisClaim> {
  readonly queue: string;
  readonly loss: QueueLoss;
  readonly #consumer: RedisQueueConsumer;
  readonly #receiver: QueueReceiver;
  readonly #clock: Clock;
  readonly #claimAfterMs: number;
  readonly #queueIdleMs: number;
  readonly #giveUpAfterMs: number;
  readonly #reader: RedisQueueReader;
  readonly #held = new Map<string, RedisClaim>();
  /** The claims of ended jobs whose outcomes are not reported yet. These claims are not renewed. */
  readonly #over = new Set<RedisClaim>();
  /** The claims of running jobs whose entries have vanished. This source has the only copies of these jobs. */
  readonly #withoutEntry = new Set<RedisClaim>();
  /** The server's latest refusal of each report that is being retried. The key is the report function. */
  readonly #refusals = new Map<object, Error>();
  /** Aborted once closing takes too long. From then on, reports of outcomes are not retried. */
  readonly #givingUp = new AbortController();
  /** Aborted by {@link interrupt} and after a reconnect, to end the pause after a failed read. */
  #waking = new AbortController();
  #isInterrupted = false;
  #isRenewalRefused = false;
  /** Whether {@link wake} was called during the current {@link take}. */
  #isWoken = false;
  #isRecoveryDue = false;
  #sweepAt = 0;
  #tidyAt = 0;
  #renewal: unknown;
  #closingTimers: unknown[] = [];
  #interrupting: Promise<void> | undefined;
  /** Ends a {@link take} whose command receives no reply. Entries in a lost reply are delivered again. */
  #abandon = () => {};
  readonly #abandoned = new Promise<RedisClaim[]>((resolve) => {
    this.#abandon = () => resolve([]);
  });

  constructor(queue: string, receiver: QueueReceiver, settings: SourceSettings) {
    const { server, commands, clock, claimAfterMs, queueIdleMs, loss } = settings;
    this.queue = queue;
    this.loss = loss;
    this.#consumer = new RedisQueueConsumer(queue, commands, settings);
    this.#receiver = receiver;
    this.#clock = clock;
    this.#claimAfterMs = claimAfterMs;
    this.#queueIdleMs = queueIdleMs;
    this.#giveUpAfterMs = server.connectTimeoutMs;
    this.#reader = new RedisQueueReader(
      server,
      commands,
      {
        up: () => this.#up(),
        // The reply to a read may have been lost with the connection.
        down: () => {
          this.#isRecoveryDue = true;
        },
        error: (error) => receiver.error(error),
      },
      clock,
    );
  }

  /** The error with which reads, or reports of outcomes, currently fail. */
  get outage(): Error | undefined {
    const [refusal] = this.#refusals.values();
    return this.#reader.connection.outage ?? refusal;
  }

  /** @throws {LayerUnavailableError} */
  async open(): Promise<void> {
    try {
      const { connection } = this.#reader;
      await Promise.all([connection.open(), this.loss.open(this.#consumer), this.#consumer.checkTime()]);
      // The first `take` searches for abandoned entries before it reads new ones.
      this.#sweepAt = 0;
    } catch (error) {
      await this.#reader.connection.close();
      throw error;
    }
    this.#scheduleRenewal();
  }

  async take(limit: number): Promise<readonly RedisClaim[]> {
    let failures = 0;
    this.#isWoken = false;
    while (!this.#isInterrupted && !this.#isWoken) {
      const losses = this.loss.count;
      try {
        const claims = await Promise.race([this.#takeNow(limit), this.#abandoned]);
        if (claims.length > 0) return claims;
        failures = 0;
      } catch (error) {
        failures += 1;
        await this.#recoverFrom(error, failures, losses);
      }
    }
    return [];
  }

  wake(): void {
    this.#isWoken = true;
    void this.#reader.unblock();
  }

  interrupt(): void {
    if (this.#isInterrupted) return;
    this.#isInterrupted = true;
    this.#closingTimers = [
      this.#clock.setTimeout(() => this.#givingUp.abort(), this.#giveUpAfterMs),
      this.#clock.setTimeout(this.#abandon, closeTimeoutMs),
    ];
    this.#waking.abort();
    this.#interrupting = this.#reader.interrupt();
  }

  async done(claim: RedisClaim): Promise<void> {
    if (this.#withoutEntry.has(claim)) return this.#forget(claim);
    await this.#end(claim, () => this.#consumer.done(claim));
  }

  async again(claim: RedisClaim): Promise<RedisClaim | undefined> {
    if (this.#withoutEntry.has(claim)) return this.#againWithoutEntry(claim);
    const next = await this.#report(() => this.#consumer.again(claim));
    if (next === undefined) this.#forget(claim);
    else this.#held.set(next.id, next);
    return next;
  }

  async bury(claim: RedisClaim): Promise<void> {
    const isLost = this.#withoutEntry.has(claim);
    await this.#end(claim, () =>
      isLost ? this.#consumer.addAgain(claim, true) : this.#consumer.bury(claim),
    );
  }

  async release(claim: RedisClaim, unbegun: boolean): Promise<void> {
    const attempts = unbegun ? claim.attempt - 1 : claim.attempt;
    const isLost = this.#withoutEntry.has(claim);
    await this.#end(claim, () =>
      isLost ? this.#consumer.addAgain(claim, false) : this.#consumer.release(claim, attempts),
    );
  }

  async close(): Promise<void> {
    for (const timer of [this.#renewal, ...this.#closingTimers]) this.#clock.clearTimeout(timer);
    await this.#interrupting;
    const late = () => new Error("no reply while closing");
    // In an outage this command fails, and another consumer's `tidy` removes this consumer later.
    const leaving = withTimeout(this.#consumer.leave(), closeTimeoutMs, this.#clock, late).catch(() => {});
    await Promise.all([leaving, this.#reader.connection.close()]);
  }

  /** Renews the claims of running jobs. Must also be called after the command connection reconnects. */
  renew(): void {
    const claims = [...this.#held.values()].filter(
      (claim) => !this.#over.has(claim) && !this.#withoutEntry.has(claim),
    );
    if (claims.length === 0) return;
    const losses = this.loss.count;
    this.#consumer
      .renew(claims)
      .then((lost) => {
        this.#isRenewalRefused = false;
        // A new queue has none of the entries, but no other worker has the jobs.
        if (!this.loss.isSame(losses)) return;
        for (const claim of lost) if (!this.#over.has(claim)) claim.abandoned.abort();
      })
      .catch((error: unknown) => {
        if (isWithoutGroup(error)) return this.#recoverQueue(losses);
        // The next renewal follows soon. The connection itself reports outages, but not refusals.
        if (!this.#isRenewalRefused && isRefusal(error)) this.#receiver.error(asError(error));
        this.#isRenewalRefused ||= isRefusal(error);
        return undefined;
      })
      .catch(() => {});
  }

  /** Called if the queue is gone. A deletion aborts the running jobs. After a loss, they continue. */
  onQueueGone(isDeleted: boolean): void {
    for (const claim of this.#held.values()) {
      if (this.#over.has(claim)) continue;
      if (isDeleted) claim.abandoned.abort();
      else this.#withoutEntry.add(claim);
    }
  }

  #recoverQueue(losses: number): Promise<void> {
    return this.loss.recover(this.#consumer, this.#receiver, losses);
  }

  #againWithoutEntry(claim: RedisClaim): RedisClaim {
    const next = new RedisClaim(claim.id, claim.payload, claim.attempt + 1);
    this.#forget(claim);
    this.#held.set(next.id, next);
    this.#withoutEntry.add(next);
    return next;
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
      // The next call searches again before it reads, because abandoned entries are older than unread ones.
      if (taken.length > 0) return taken;
      this.#sweepAt = now + this.#sweepMs;
    }
    if (this.#isInterrupted || this.#isWoken) return [];
    return this.#hold(await this.#consumer.read(this.#reader, limit, this.#sweepAt - now));
  }

  get #sweepMs(): number {
    return Math.min(this.#claimAfterMs / 3, maxSweepMs);
  }

  #hold(claims: RedisClaim[]): RedisClaim[] {
    for (const claim of claims) this.#held.set(claim.id, claim);
    return claims;
  }

  #forget(claim: RedisClaim): void {
    if (this.#held.get(claim.id) === claim) this.#held.delete(claim.id);
    this.#over.delete(claim);
    this.#withoutEntry.delete(claim);
  }

  async #end(claim: RedisClaim, report: () => Promise<unknown>): Promise<void> {
    this.#over.add(claim);
    await this.#report(report);
    this.#forget(claim);
  }

  /** Retries `report` until it succeeds. If closing takes too long, stops, and the job is delivered again. */
  async #report<T>(report: () => Promise<T>): Promise<T | undefined> {
    const { signal } = this.#givingUp;
    const onFailure = (error: unknown) => {
      // The connection itself reports outages, but not refusals.
      if (signal.aborted || !isRefusal(error)) return;
      if (this.#refusals.size === 0) this.#receiver.error(asError(error));
      this.#refusals.set(report, asError(error));
    };
    try {
      return await retry(report, { clock: this.#clock, signal, maxPauseMs, onFailure });
    } catch (error) {
      this.#receiver.error(asError(error));
      return undefined;
    } finally {
      this.#refusals.delete(report);
    }
  }

  /** Creates the consumer group if it is missing. Otherwise pauses before the next read. */
  async #recoverFrom(error: unknown, failures: number, losses: number): Promise<void> {
    if (isUnblocked(error)) return;
    if (isWithoutGroup(error)) {
      try {
        await this.#recoverQueue(losses);
        return;
      } catch {
        // Pauses below, because the group cannot be created.
      }
    }
    if (this.#isInterrupted) return;
    if (failures === 1 && this.#reader.connection.isUp) this.#receiver.error(asError(error));
    await pause(backoffMs(failures), this.#clock, this.#waking.signal);
  }

  #up(): void {
    // Delays the next search, because other consumers may first have to reconnect and renew their claims.
    this.#sweepAt = performance.now() + this.#sweepMs;
    this.#waking.abort();
    if (!this.#isInterrupted) this.#waking = new AbortController();
  }

  #scheduleRenewal(): void {
    this.#renewal = this.#clock.setTimeout(() => {
      this.renew();
      this.#scheduleRenewal();
    }, this.#claimAfterMs / 3);
  }

  #tidy(now: number): void {
    const idleMs = Math.max(this.#claimAfterMs, minIdleMs);
    this.#tidyAt = now + Math.min(idleMs, this.#queueIdleMs / 3);
    // A failure does no harm: the next call removes the same consumers.
    this.#consumer.tidy(idleMs).catch(() => {});
  }
}
