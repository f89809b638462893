import type { QueueReceiver } from "../../backend.ts";
import type { Clock } from "../../clock.ts";
import { asError } from "../../errors.ts";
import type { JobSource } from "../../jobs/job-worker.ts";
import { backoffMs, pause } from "../../retry.ts";
import { withTimeout } from "../../with-timeout.ts";
import { isRefusal } from "../connection/redis-connection.ts";
import type { RedisServer } from "../connection/server-options.ts";
import { HeldClaims } from "./held-claims.ts";
import type { LifeSigns } from "./life-signs.ts";
import { orphanGate } from "./orphan-gate.ts";
import { OrphanSearch } from "./orphan-search.ts";
import { OutcomeReports } from "./outcome-reports.ts";
import type { RedisClaim } from "./queue-claim.ts";
import { isUnblocked, isWithoutGroup, RedisQueueConsumer } from "./queue-consumer.ts";
import type { QueueLoss } from "./queue-loss.ts";
import { type Commands, RedisQueueReader } from "./queue-reader.ts";

/** The longest pause between two searches for returned jobs. */
const maxSweepMs = 2_000;

/** The shortest idle time after which a consumer without entries is removed. */
const minIdleMs = 10_000;

const closeTimeoutMs = 1_000;

/** The result of an abandoned {@link RedisQueueSource.take}. */
const abandoned: readonly RedisClaim[] = [];

export interface SourceSettings {
  readonly server: RedisServer;
  readonly commands: Commands;
  readonly clock: Clock;
  readonly claimAfterMs: number;
  readonly measuresAge: boolean;
  /** Milliseconds after which an empty queue without workers expires. */
  readonly queueIdleMs: number;
  readonly loss: QueueLoss;
  readonly lifeSigns: LifeSigns;
}

/**
 * Takes the jobs of one queue, as a consumer of the queue's consumer group. Gives a life sign three times per
 * `claimAfterMs`, and takes over the jobs of consumers that give no life sign for `claimAfterMs`. If a job
 * ends during an outage, its outcome is reported after the outage.
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
  readonly #reports: OutcomeReports;
  readonly #orphans: OrphanSearch;
  readonly #lifeSigns: LifeSigns;
  readonly #held = new HeldClaims();
  /** Aborted by {@link interrupt} and after a reconnect, to end the pause after a failed read. */
  #waking = new AbortController();
  #isInterrupted = false;
  #isRenewalRefused = false;
  /** Whether {@link wake} was called during the current {@link take}. */
  #isWoken = false;
  #wasUp = false;
  #sweepAt = 0;
  #tidyAt = 0;
  #renewal: unknown;
  #endLifeSigns = () => {};
  #closingTimers: unknown[] = [];
  #interrupting: Promise<void> | undefined;
  /** Ends a {@link take} whose command receives no reply in time. Entries in a lost reply are delivered again. */
  #abandon = () => {};
  readonly #abandoned = new Promise<readonly RedisClaim[]>((resolve) => {
    this.#abandon = () => resolve(abandoned);
  });
  /** The claims of an abandoned {@link take}: its reply may come late, for example after a pause of the process. */
  #late: Promise<readonly RedisClaim[]> | undefined;

  constructor(queue: string, receiver: QueueReceiver, settings: SourceSettings) {
    const { server, commands, clock, claimAfterMs, queueIdleMs, lifeSigns, loss } = settings;
    const onError = (error: Error) => receiver.error(error);
    this.queue = queue;
    this.loss = loss;
    this.#consumer = new RedisQueueConsumer(queue, commands, settings);
    this.#receiver = receiver;
    this.#clock = clock;
    this.#claimAfterMs = claimAfterMs;
    this.#queueIdleMs = queueIdleMs;
    this.#giveUpAfterMs = server.connectTimeoutMs;
    this.#lifeSigns = lifeSigns;
    this.#reports = new OutcomeReports(clock, onError);
    this.#orphans = new OrphanSearch(this.#consumer, { clock, claimAfterMs, onError });
    // The reply to a read may have been lost with the connection.
    const down = () => {
      this.#sweepAt = 0;
    };
    const up = () => this.#up();
    this.#reader = new RedisQueueReader(server, commands, { up, down, error: onError }, clock);
  }

  /** The error with which reads, or reports of outcomes, currently fail. */
  get outage(): Error | undefined {
    return this.#reader.connection.outage ?? this.#reports.refusal;
  }

  /** @throws {LayerUnavailableError} */
  async open(): Promise<void> {
    try {
      const { connection } = this.#reader;
      await Promise.all([connection.open(), this.loss.open(this.#consumer), this.#consumer.checkTime()]);
    } catch (error) {
      await this.#reader.connection.close();
      throw error;
    }
    const { stream, names } = this.#consumer;
    this.#endLifeSigns = await this.#lifeSigns.begin(stream, Object.values(names), this.#claimAfterMs / 3);
    this.#orphans.open();
    this.#scheduleRenewal();
  }

  async take(limit: number): Promise<readonly RedisClaim[]> {
    let failures = 0;
    this.#isWoken = false;
    while (!this.#isInterrupted && !this.#isWoken) {
      const losses = this.loss.count;
      try {
        const taking = this.#takeNow(limit);
        const claims = await Promise.race([taking, this.#abandoned]);
        if (claims === abandoned) this.#late = taking;
        if (claims.length > 0) return claims;
        failures = 0;
      } catch (error) {
        failures += 1;
        // A lost reply may contain entries.
        this.#sweepAt = 0;
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
      this.#clock.setTimeout(() => this.#reports.giveUp(), this.#giveUpAfterMs),
      this.#clock.setTimeout(this.#abandon, closeTimeoutMs),
    ];
    this.#waking.abort();
    this.#interrupting = this.#reader.interrupt();
  }

  async done(claim: RedisClaim): Promise<boolean> {
    let tries = 0;
    const isRemoved = await this.#end(claim, () => {
      tries += 1;
      const isFresh = performance.now() - claim.heldAt < this.#claimAfterMs / 2;
      return this.#consumer.done(claim, isFresh && !claim.isLost);
    });
    // If the first reply was lost, its command may have removed the entry.
    return isRemoved === true || (isRemoved === false && tries > 1 && !claim.isLost);
  }

  async again(claim: RedisClaim): Promise<RedisClaim | undefined> {
    return this.#replace(claim, () => this.#consumer.again(claim));
  }

  async suspend(claim: RedisClaim): Promise<RedisClaim | undefined> {
    return this.#replace(claim, () => this.#consumer.suspend(claim));
  }

  async condemn(claim: RedisClaim, unbegun: boolean): Promise<RedisClaim | undefined> {
    const attempts = unbegun ? claim.attempt - 1 : claim.attempt;
    return this.#replace(claim, () => this.#consumer.condemn(claim, attempts));
  }

  async bury(claim: RedisClaim): Promise<void> {
    await this.#end(claim, () => this.#consumer.bury(claim));
  }

  async release(claim: RedisClaim, unbegun: boolean): Promise<void> {
    const attempts = unbegun ? claim.attempt - 1 : claim.attempt;
    claim.turn?.end();
    await this.#end(claim, () => this.#consumer.release(claim, attempts));
  }

  async close(): Promise<void> {
    this.#clock.clearTimeout(this.#renewal);
    this.#endLifeSigns();
    this.#orphans.close();
    await this.#interrupting;
    const late = () => new Error("no reply while closing");
    if (this.#late !== undefined) {
      const claims = await withTimeout(this.#late, closeTimeoutMs, this.#clock, late).catch(() => []);
      await Promise.all(claims.map((claim) => this.release(claim, true)));
    }
    for (const timer of this.#closingTimers) this.#clock.clearTimeout(timer);
    // In an outage this command fails, and another consumer's `tidy` removes this consumer later.
    const leaving = withTimeout(this.#consumer.leave(), closeTimeoutMs, this.#clock, late).catch(() => {});
    await Promise.all([leaving, this.#reader.connection.close()]);
  }

  /** Must be called after the command connection has reconnected. */
  reconnected(): void {
    this.#orphans.reconnected();
    this.#sweepAt = 0;
    this.renew();
  }

  /** Renews the claims, and notices which of them other workers hold. */
  renew(): void {
    const claims = this.#held.current;
    if (claims.length === 0) return;
    const sentAt = performance.now();
    const losses = this.loss.count;
    this.#consumer
      .renew(claims)
      .then((lost) => {
        this.#isRenewalRefused = false;
        for (const claim of claims) if (!lost.includes(claim)) claim.heldAt = sentAt;
        // A new queue has none of the entries, but no other worker has the jobs.
        if (this.loss.isSame(losses)) this.#held.lose(lost);
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
    this.#held.queueGone(isDeleted);
  }

  #recoverQueue(losses: number): Promise<void> {
    return this.loss.recover(this.#consumer, this.#receiver, losses);
  }

  async #takeNow(limit: number): Promise<readonly RedisClaim[]> {
    const orphans = this.#held.hold(await this.#orphans.take(this.#waking.signal));
    if (orphans.length > 0) return orphans;
    await orphanGate.opened(this.#waking.signal);
    const now = performance.now();
    if (now >= this.#tidyAt) this.#tidy(now);
    if (now >= this.#sweepAt) {
      const found = await this.#consumer.collect(limit, this.#held.ids);
      // The next call searches again before it reads, because returned jobs are older than unread ones.
      if (found.length > 0) return this.#admit(found);
      this.#sweepAt = now + this.#sweepMs;
    }
    if (this.#isInterrupted || this.#isWoken) return [];
    return this.#admit(await this.#consumer.read(this.#reader, limit, this.#sweepAt - now));
  }

  /** Returns the jobs to the queue if an orphan runs alone by now. */
  async #admit(claims: readonly RedisClaim[]): Promise<readonly RedisClaim[]> {
    this.#held.hold(claims);
    if (orphanGate.isOpen) return claims;
    await Promise.all(claims.map((claim) => this.release(claim, true)));
    return [];
  }

  get #sweepMs(): number {
    return Math.min(this.#claimAfterMs / 3, maxSweepMs);
  }

  /** Reports the end of a job. Resolves to the server's reply: see {@link OutcomeReports.send}. */
  async #end<T>(claim: RedisClaim, report: () => Promise<T>): Promise<T | undefined> {
    claim.isOver = true;
    const reply = await this.#report(report);
    this.#held.forget(claim);
    return reply;
  }

  async #replace(
    claim: RedisClaim,
    report: () => Promise<RedisClaim | undefined>,
  ): Promise<RedisClaim | undefined> {
    const next = await this.#report(report);
    if (next === undefined) this.#held.forget(claim);
    else this.#held.hold([next]);
    return next;
  }

  /** If the queue is gone, creates it again and repeats the report, because the claims are up to date then. */
  #report<T>(report: () => Promise<T>): Promise<T | undefined> {
    return this.#reports.send(async () => {
      const losses = this.loss.count;
      try {
        return await report();
      } catch (error) {
        if (!isWithoutGroup(error)) throw error;
        await this.#recoverQueue(losses);
        return report();
      }
    });
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
    if (this.#wasUp) this.#orphans.reconnected();
    this.#wasUp = true;
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
