import { randomBytes } from "node:crypto";
import type { Clock, QueueReceiver } from "../contract.ts";
import type { LayerUnavailableError } from "../errors.ts";
import { Claim, type JobSource } from "../queue-worker.ts";
import { backoffMs } from "./backoff.ts";
import { type QueueKeys, queueKeys } from "./redis-queue-keys.ts";
import { type Commands, RedisQueueReader } from "./redis-queue-reader.ts";
import {
  againScript,
  buryScript,
  doneScript,
  leaveScript,
  recoverScript,
  releaseScript,
  renewScript,
  runScript,
  type Script,
  type ScriptArgument,
  takeOverScript,
  tidyScript,
} from "./redis-queue-scripts.ts";
import type { RedisServer } from "./redis-server.ts";

/** The one consumer group of every queue. */
const group = "workers";

/** How long to wait between two looks for what others left behind, at most, in milliseconds. */
const longestSweepMs = 2_000;

/** How long a consumer that holds nothing must have been silent until it is removed, at least, in milliseconds. */
const shortestIdleMs = 10_000;

/** The longest pause between attempts to say what became of a job, as a number of failures. */
const mostFailures = 5;

/** An entry in the hands of this consumer. */
class RedisClaim extends Claim {
  readonly id: string;

  constructor(id: string, payload: Uint8Array, attempt: number) {
    super(payload, attempt);
    this.id = id;
  }
}

/** What a source needs beside its queue. */
export interface SourceSettings {
  readonly server: RedisServer;
  readonly commands: Commands;
  readonly clock: Clock;
  readonly claimAfterMs: number;
}

/**
 * Takes the jobs of one queue from a consumer group of a stream, under a consumer's name of its own.
 *
 * What it holds it claims anew three times within `claimAfterMs`; what nobody has claimed for that long it takes over.
 * Every entry is held until the job is done: an outage only makes that take longer.
 */
export class RedisQueueSource implements JobSource<RedisClaim> {
  readonly #keys: QueueKeys;
  readonly #receiver: QueueReceiver;
  readonly #commands: Commands;
  readonly #clock: Clock;
  readonly #claimAfterMs: number;
  readonly #patienceMs: number;
  readonly #reader: RedisQueueReader;
  readonly #consumer = randomBytes(10).toString("hex");
  readonly #held = new Map<string, RedisClaim>();
  /** What is over, though the server does not know yet: nobody's claim any more. */
  readonly #over = new Set<RedisClaim>();
  #isInterrupted = false;
  /** When to stop saying what became of a job: never, until the source closes. */
  #giveUpAt = Number.POSITIVE_INFINITY;
  #isRecoveryDue = false;
  #sweepAt = 0;
  #tidyAt = 0;
  #renewal: unknown;
  #interrupting: Promise<void> | undefined;
  #wake = () => {};

  constructor(queue: string, receiver: QueueReceiver, settings: SourceSettings) {
    const { server, commands, clock, claimAfterMs } = settings;
    this.#keys = queueKeys(queue);
    this.#receiver = receiver;
    this.#commands = commands;
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

  /** Why nothing can be read at the moment. */
  get outage(): LayerUnavailableError | undefined {
    return this.#reader.outage;
  }

  /** @throws {LayerUnavailableError} */
  async open(): Promise<void> {
    try {
      await Promise.all([this.#reader.open(), this.#createGroup()]);
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
        const claims = await this.#takeNow(limit);
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
    this.#interrupting ??= this.#reader.interrupt();
  }

  async done(claim: RedisClaim): Promise<void> {
    await this.#end(claim, () => this.#run(doneScript, [this.#keys.stream], group, claim.id));
  }

  async again(claim: RedisClaim): Promise<RedisClaim | undefined> {
    const { id, payload, attempt } = claim;
    const isOurs = await this.#insist(() => this.#runOwn(againScript, claim));
    if (isOurs === 1) {
      const next = new RedisClaim(id, payload, attempt + 1);
      this.#held.set(id, next);
      return next;
    }
    this.#forget(claim);
    return undefined;
  }

  async bury(claim: RedisClaim): Promise<void> {
    const { stream, dead } = this.#keys;
    await this.#end(claim, () =>
      this.#run(buryScript, [stream, dead], group, this.#consumer, claim.id, claim.attempt),
    );
  }

  async release(claim: RedisClaim, unbegun: boolean): Promise<void> {
    const attempts = unbegun ? claim.attempt - 1 : claim.attempt;
    await this.#end(claim, () => this.#runOwn(releaseScript, claim, attempts));
  }

  async close(): Promise<void> {
    this.#clock.clearTimeout(this.#renewal);
    await this.#interrupting;
    // In an outage it stays, until somebody finds it idle.
    const leaving = this.#run(leaveScript, [this.#keys.stream], group, this.#consumer);
    await Promise.all([leaving.catch(() => {}), this.#reader.close()]);
  }

  /** The commands' connection is back: what is held has been out of reach for a while. */
  renew(): void {
    const claims = [...this.#held.values()].filter((claim) => !this.#over.has(claim));
    if (claims.length === 0) return;
    const held = claims.flatMap(({ id, attempt }) => [id, attempt]);
    this.#run(renewScript, [this.#keys.stream], group, this.#consumer, ...held)
      .then((lost) => {
        const ids = new Set((lost as Buffer[]).map(String));
        for (const claim of claims) {
          if (ids.has(claim.id) && !this.#over.has(claim)) claim.abandoned.abort();
        }
      })
      // The next time comes soon enough; that there is an outage, the connection says.
      .catch(() => {});
  }

  async #takeNow(limit: number): Promise<readonly RedisClaim[]> {
    const now = performance.now();
    if (now >= this.#tidyAt) this.#tidy(now);
    if (this.#isRecoveryDue) {
      const found = await this.#runForClaims(recoverScript, limit);
      this.#isRecoveryDue = found.length === limit;
      if (found.length > 0) return found;
    }
    if (now >= this.#sweepAt) {
      const taken = await this.#runForClaims(takeOverScript, limit, this.#claimAfterMs);
      // Where there was one, there may be more, and they are the oldest.
      if (taken.length > 0) return taken;
      this.#sweepAt = now + this.#sweepMs;
    }
    if (this.#isInterrupted) return [];
    const { stream } = this.#keys;
    const entries = await this.#reader.read(stream, group, this.#consumer, limit, this.#sweepAt - now);
    return entries.map(([id, fields]) => this.#hold(id.toString(), fields[1] ?? Buffer.alloc(0), 1));
  }

  get #sweepMs(): number {
    return Math.min(this.#claimAfterMs / 3, longestSweepMs);
  }

  async #runForClaims(script: Script, limit: number, ...args: ScriptArgument[]): Promise<RedisClaim[]> {
    const { stream } = this.#keys;
    const held = this.#held.keys();
    const found = await this.#run(script, [stream], group, this.#consumer, limit, ...args, ...held);
    return (found as [Buffer, number, Buffer][]).map(([id, attempt, payload]) =>
      this.#hold(id.toString(), payload, attempt),
    );
  }

  #hold(id: string, payload: Uint8Array, attempt: number): RedisClaim {
    const claim = new RedisClaim(id, payload, attempt);
    this.#held.set(id, claim);
    return claim;
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
        return await work();
      } catch (error) {
        if (performance.now() >= this.#giveUpAt) {
          this.#receiver.error(asError(error));
          return undefined;
        }
        await this.#pause(backoffMs(Math.min(failures, mostFailures)));
      }
    }
  }

  /** Does what can be done about a read that failed, and waits a little. */
  async #overcome(error: unknown, failures: number): Promise<void> {
    if (isWithoutGroup(error)) {
      try {
        await this.#createGroup();
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

  async #createGroup(): Promise<void> {
    try {
      // From the very first entry on: they may have come before anybody worked here.
      await this.#commands.run((redis) => redis.xgroup("CREATE", this.#keys.stream, group, "0", "MKSTREAM"));
    } catch (error) {
      if (!causeOf(error).startsWith("BUSYGROUP")) throw error;
    }
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
    this.#run(tidyScript, [this.#keys.stream], group, idleMs, this.#consumer).catch(() => {});
  }

  #runOwn(script: Script, { id, attempt }: RedisClaim, ...args: ScriptArgument[]): Promise<unknown> {
    return this.#run(script, [this.#keys.stream], group, this.#consumer, id, attempt, ...args);
  }

  #run(script: Script, keys: readonly string[], ...args: ScriptArgument[]): Promise<unknown> {
    return this.#commands.run((redis) => runScript(redis, script, keys, ...args));
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

/** After a FLUSHALL, say. What a read that was blocked meanwhile is told depends on the server's version. */
function isWithoutGroup(error: unknown): boolean {
  return /^(?:NOGROUP|UNBLOCKED)/.test(causeOf(error));
}

function causeOf(error: unknown): string {
  return error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
