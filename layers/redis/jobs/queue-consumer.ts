import { randomBytes } from "node:crypto";
import { Claim } from "../../jobs/job-worker.ts";
import { type QueueKeys, queueKeys } from "./queue-keys.ts";
import type { Commands, RedisQueueReader } from "./queue-reader.ts";
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
} from "./queue-scripts.ts";

/** The one consumer group of every queue. */
const group = "workers";

/** An entry in the hands of one consumer. */
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
 * One consumer of a queue's consumer group, under a name of its own: what it asks the server for, and tells it. Each
 * method is one command, and rejects with `LayerUnavailableError` if that fails.
 */
export class RedisQueueConsumer {
  readonly #name = randomBytes(10).toString("hex");
  readonly #keys: QueueKeys;
  readonly #commands: Commands;

  constructor(queue: string, commands: Commands) {
    this.#keys = queueKeys(queue);
    this.#commands = commands;
  }

  /** Makes the consumer group, if it is not there. */
  async createGroup(): Promise<void> {
    try {
      // From the very first entry on: they may have come before anybody worked here.
      await this.#commands.run((redis) => redis.xgroup("CREATE", this.#keys.stream, group, "0", "MKSTREAM"));
    } catch (error) {
      if (!causeOf(error).startsWith("BUSYGROUP")) throw error;
    }
  }

  /** What nobody has had, as soon as there is any; nothing after `blockMs`. */
  async read(reader: RedisQueueReader, limit: number, blockMs: number): Promise<RedisClaim[]> {
    const entries = await reader.read(this.#keys.stream, group, this.#name, limit, blockMs);
    return entries.map(([id, fields]) => new RedisClaim(id.toString(), fields[1] ?? Buffer.alloc(0), 1));
  }

  /** What the server gave to this consumer, which never got it: all of its own but `held`. */
  recover(limit: number, held: Iterable<string>): Promise<RedisClaim[]> {
    return this.#claims(recoverScript, limit, ...held);
  }

  /** What others have not claimed anew for `idleMs`. */
  takeOver(limit: number, idleMs: number, held: Iterable<string>): Promise<RedisClaim[]> {
    return this.#claims(takeOverScript, limit, idleMs, ...held);
  }

  async done({ id }: RedisClaim): Promise<void> {
    await this.#run(doneScript, [this.#keys.stream], group, id);
  }

  /** The next attempt, or nothing if the entry is somebody else's by now. */
  async again(claim: RedisClaim): Promise<RedisClaim | undefined> {
    const isOurs = await this.#runOwn(againScript, claim);
    return isOurs === 1 ? new RedisClaim(claim.id, claim.payload, claim.attempt + 1) : undefined;
  }

  async bury({ id, attempt }: RedisClaim): Promise<void> {
    const { stream, dead } = this.#keys;
    await this.#run(buryScript, [stream, dead], group, this.#name, id, attempt);
  }

  /** @param attempts how many count. */
  async release(claim: RedisClaim, attempts: number): Promise<void> {
    await this.#runOwn(releaseScript, claim, attempts);
  }

  /** Claims anew what is held. Gives those that are somebody else's by now. */
  async renew(claims: readonly RedisClaim[]): Promise<RedisClaim[]> {
    const held = claims.flatMap(({ id, attempt }) => [id, attempt]);
    const lost = await this.#run(renewScript, [this.#keys.stream], group, this.#name, ...held);
    const ids = new Set((lost as Buffer[]).map(String));
    return claims.filter(({ id }) => ids.has(id));
  }

  /** Removes other consumers that hold nothing and were silent for `idleMs`. */
  async tidy(idleMs: number): Promise<void> {
    await this.#run(tidyScript, [this.#keys.stream], group, idleMs, this.#name);
  }

  /** Removes this consumer, unless it holds something. */
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

/** After a FLUSHALL, say. What a read that was blocked meanwhile is told depends on the server's version. */
export function isWithoutGroup(error: unknown): boolean {
  return /^(?:NOGROUP|UNBLOCKED)/.test(causeOf(error));
}

function causeOf(error: unknown): string {
  return error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
}
