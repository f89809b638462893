import { randomBytes } from "node:crypto";
import { Claim } from "../../jobs/job-worker.ts";
import type { Commands, RedisQueueReader } from "./queue-reader.ts";
import {
  againScript,
  buryScript,
  doneScript,
  leaveScript,
  type QueueKeys,
  queueKeys,
  recoverScript,
  releaseScript,
  renewScript,
  runScript,
  type Script,
  type ScriptArgument,
  takeOverScript,
  tidyScript,
} from "./queue-scripts.ts";

/** The one consumer group of every queue. */
const group = "workers";

/** A queue's entry that one consumer holds. */
export class RedisClaim extends Claim {
  readonly id: string;

  constructor(id: string, payload: Uint8Array, attempt: number) {
    super(payload, attempt);
    this.id = id;
  }

  /** An id begins with the server's time in milliseconds. */
  get ageMs(): number {
    return Date.now() - Number.parseInt(this.id, 10);
  }
}

/**
 * One consumer of a queue's consumer group, under a random name. Each method is one command, and rejects with
 * `LayerUnavailableError` if that fails.
 */
export class RedisQueueConsumer {
  readonly #name = randomBytes(10).toString("hex");
  readonly #keys: QueueKeys;
  readonly #commands: Commands;

  constructor(queue: string, commands: Commands) {
    this.#keys = queueKeys(queue);
    this.#commands = commands;
  }

  /** Creates the consumer group, unless it exists. */
  async createGroup(): Promise<void> {
    try {
      // From the very first entry on: jobs may have been sent before the first worker started.
      await this.#commands.run((redis) => redis.xgroup("CREATE", this.#keys.stream, group, "0", "MKSTREAM"));
    } catch (error) {
      if (!causeOf(error).startsWith("BUSYGROUP")) throw error;
    }
  }

  /** Entries that no consumer has had, as soon as there are any; none after `blockMs`. */
  async read(reader: RedisQueueReader, limit: number, blockMs: number): Promise<RedisClaim[]> {
    const entries = await reader.read(this.#keys.stream, group, this.#name, limit, blockMs);
    return entries.map(([id, fields]) => new RedisClaim(id.toString(), fields[1] ?? Buffer.alloc(0), 1));
  }

  /** Entries that the server gave to this consumer in an answer that did not arrive: all of its own but `held`. */
  recover(limit: number, held: Iterable<string>): Promise<RedisClaim[]> {
    return this.#claims(recoverScript, limit, ...held);
  }

  /** Entries that their consumers have not claimed anew for `idleMs`. */
  takeOver(limit: number, idleMs: number, held: Iterable<string>): Promise<RedisClaim[]> {
    return this.#claims(takeOverScript, limit, idleMs, ...held);
  }

  async done({ id }: RedisClaim): Promise<void> {
    await this.#run(doneScript, [this.#keys.stream], group, id);
  }

  /** The next attempt, or undefined if another consumer holds the entry by now. */
  async again(claim: RedisClaim): Promise<RedisClaim | undefined> {
    const isOurs = await this.#runOwn(againScript, claim);
    return isOurs === 1 ? new RedisClaim(claim.id, claim.payload, claim.attempt + 1) : undefined;
  }

  async bury({ id, attempt }: RedisClaim): Promise<void> {
    const { stream, dead } = this.#keys;
    await this.#run(buryScript, [stream, dead], group, this.#name, id, attempt);
  }

  /** @param attempts how many attempts count. */
  async release(claim: RedisClaim, attempts: number): Promise<void> {
    await this.#runOwn(releaseScript, claim, attempts);
  }

  /** Claims `claims` anew. Returns those that other consumers hold by now. */
  async renew(claims: readonly RedisClaim[]): Promise<RedisClaim[]> {
    const held = claims.flatMap(({ id, attempt }) => [id, attempt]);
    const lost = await this.#run(renewScript, [this.#keys.stream], group, this.#name, ...held);
    const ids = new Set((lost as Buffer[]).map(String));
    return claims.filter(({ id }) => ids.has(id));
  }

  /** Removes other consumers that hold nothing and were idle for `idleMs`. */
  async tidy(idleMs: number): Promise<void> {
    await this.#run(tidyScript, [this.#keys.stream], group, idleMs, this.#name);
  }

  /** Removes this consumer, unless it holds entries. */
  async leave(): Promise<void> {
    await this.#run(leaveScript, [this.#keys.stream], group, this.#name);
  }

  async #claims(script: Script, ...args: ScriptArgument[]): Promise<RedisClaim[]> {
    const found = await this.#run(script, [this.#keys.stream], group, this.#name, ...args);
    return (found as [Buffer, number, Buffer][]).map(
      ([id, attempt, payload]) => new RedisClaim(id.toString(), payload, attempt),
    );
  }

  #runOwn(script: Script, { id, attempt }: RedisClaim, ...args: ScriptArgument[]): Promise<unknown> {
    return this.#run(script, [this.#keys.stream], group, this.#name, id, attempt, ...args);
  }

  #run(script: Script, keys: readonly string[], ...args: ScriptArgument[]): Promise<unknown> {
    return this.#commands.run((redis) => runScript(redis, script, keys, ...args));
  }
}

/** Whether the consumer group is missing, after a FLUSHALL for instance. The reply to a blocked read depends on the version. */
export function isWithoutGroup(error: unknown): boolean {
  return /^(?:NOGROUP|UNBLOCKED)/.test(causeOf(error));
}

function causeOf(error: unknown): string {
  return error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
}
