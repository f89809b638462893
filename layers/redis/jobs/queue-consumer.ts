import { randomBytes } from "node:crypto";
import { Claim } from "../../jobs/job-worker.ts";
import { addEntry, openQueue } from "./queue-lifetime.ts";
import type { Commands, RedisQueueReader } from "./queue-reader.ts";
import {
  buryScript,
  claimScript,
  doneScript,
  leaveScript,
  type QueueKeys,
  queueKeys,
  recoverScript,
  renewScript,
  runScript,
  type Script,
  type ScriptArgument,
  takeOverScript,
  tidyScript,
} from "./queue-scripts.ts";
import { serverTime } from "./server-time.ts";

export const group = "workers";

const dayMs = 24 * 60 * 60 * 1_000;

export class RedisClaim extends Claim {
  readonly id: string;
  readonly ageMs: number;

  /** @param time the server's time when it handed out the entry. If undefined, the age is 0. */
  constructor(id: string, payload: Uint8Array, attempt: number, time?: number) {
    super(payload, attempt);
    this.id = id;
    // An entry's id begins with the server's time when the entry was added.
    this.ageMs = time === undefined ? 0 : Math.max(0, time - Number.parseInt(id, 10));
  }
}

/**
 * One consumer of a queue's consumer group, with a random name. Each method sends one command, and rejects
 * with `LayerUnavailableError` if the command fails.
 */
export class RedisQueueConsumer {
  readonly #name = randomBytes(10).toString("hex");
  readonly #keys: QueueKeys;
  readonly #commands: Commands;
  readonly #measuresAge: boolean;
  readonly #queueIdleMs: number;

  constructor(
    queue: string,
    commands: Commands,
    { measuresAge, queueIdleMs }: { readonly measuresAge: boolean; readonly queueIdleMs: number },
  ) {
    this.#keys = queueKeys(queue);
    this.#commands = commands;
    this.#measuresAge = measuresAge;
    this.#queueIdleMs = queueIdleMs;
  }

  /** Rejects if ages have to be measured, but the server does not tell its time. */
  async checkTime(): Promise<void> {
    if (this.#measuresAge) await this.#commands.run(serverTime);
  }

  /** Creates the group if it is missing. Returns the mark of the queue's last deletion, if it is remembered. */
  createGroup(): Promise<string | undefined> {
    const label = { command: "XGROUP CREATE", keys: [this.#keys.stream] };
    return this.#commands.run((redis) => openQueue(redis, this.#keys, group), label);
  }

  /** Adds a job whose entry has vanished to the end of the queue, or to the dead letters. */
  addAgain({ payload }: RedisClaim, isDead: boolean): Promise<void> {
    const key = isDead ? this.#keys.dead : this.#keys.stream;
    const label = { command: "EVALSHA", kind: "add", keys: [key], addsData: true };
    return this.#commands.run((redis) => addEntry(redis, key, payload), label);
  }

  /** Waits up to `blockMs` for entries that no consumer has received yet. */
  async read(reader: RedisQueueReader, limit: number, blockMs: number): Promise<RedisClaim[]> {
    const options = { limit, blockMs, withTime: this.#measuresAge };
    const [entries, time] = await reader.read(this.#keys.stream, group, this.#name, options);
    return entries.map(
      ([id, [, payload]]) => new RedisClaim(String(id), payload ?? Buffer.alloc(0), 1, time),
    );
  }

  /** Returns this consumer's entries that are not in `held`: the reply that contained them was lost. */
  recover(limit: number, held: Iterable<string>): Promise<RedisClaim[]> {
    return this.#claims(recoverScript, limit, ...held);
  }

  /** Claims entries whose claims were not renewed for `idleMs`, except the entries in `held`. */
  takeOver(limit: number, idleMs: number, held: Iterable<string>): Promise<RedisClaim[]> {
    return this.#claims(takeOverScript, limit, idleMs, ...held);
  }

  async done({ id }: RedisClaim): Promise<void> {
    await this.#run(doneScript, [this.#keys.stream], group, id, this.#queueIdleMs);
  }

  /** Begins the next attempt. Returns undefined if another consumer has taken the entry over. */
  async again(claim: RedisClaim): Promise<RedisClaim | undefined> {
    const attempt = claim.attempt + 1;
    const isOurs = await this.#claimAnew(claim, attempt, 0);
    return isOurs === 1 ? new RedisClaim(claim.id, claim.payload, attempt) : undefined;
  }

  async bury({ id, attempt }: RedisClaim): Promise<void> {
    const { stream, dead } = this.#keys;
    await this.#run(buryScript, [stream, dead], group, this.#name, id, attempt, this.#queueIdleMs);
  }

  async release(claim: RedisClaim, attempts: number): Promise<void> {
    // With an idle time of one day, another consumer may take the entry over immediately.
    await this.#claimAnew(claim, attempts, dayMs);
  }

  /** Renews `claims`. Returns the claims that this consumer no longer holds. */
  async renew(claims: readonly RedisClaim[]): Promise<RedisClaim[]> {
    const held = claims.flatMap(({ id, attempt }) => [id, attempt]);
    const lost = await this.#run(renewScript, [this.#keys.stream], group, this.#name, ...held);
    const ids = new Set((lost as Buffer[]).map(String));
    return claims.filter(({ id }) => ids.has(id));
  }

  async tidy(idleMs: number): Promise<void> {
    await this.#run(tidyScript, [this.#keys.stream], group, idleMs, this.#name, this.#queueIdleMs);
  }

  async leave(): Promise<void> {
    await this.#run(leaveScript, [this.#keys.stream], group, this.#name);
  }

  async #claims(script: Script, ...args: ScriptArgument[]): Promise<RedisClaim[]> {
    const [found, time] = await Promise.all([
      this.#run(script, [this.#keys.stream], group, this.#name, ...args),
      this.#measuresAge ? this.#commands.run(serverTime).catch(() => undefined) : undefined,
    ]);
    return (found as [Buffer, number, Buffer][]).map(
      ([id, attempt, payload]) => new RedisClaim(id.toString(), payload, attempt, time),
    );
  }

  #claimAnew({ id, attempt }: RedisClaim, attempts: number, idleMs: number): Promise<unknown> {
    return this.#run(claimScript, [this.#keys.stream], group, this.#name, id, attempt, attempts, idleMs);
  }

  #run(script: Script, keys: readonly string[], ...args: ScriptArgument[]): Promise<unknown> {
    const label = { command: "EVALSHA", kind: script.sha, keys };
    return this.#commands.run((redis) => runScript(redis, script, keys, ...args), label);
  }
}

/** Whether a command failed because the queue or its consumer group does not exist. */
export function isWithoutGroup(error: unknown): boolean {
  return /^(?:NOGROUP|UNBLOCKED the stream key no longer exists)/.test(causeOf(error));
}

/** Whether the server has ended a blocked read for another reason, such as a change of its role. */
export function isUnblocked(error: unknown): boolean {
  return causeOf(error).startsWith("UNBLOCKED") && !isWithoutGroup(error);
}

function causeOf(error: unknown): string {
  return error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
}
