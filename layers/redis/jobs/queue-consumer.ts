import { group, newConsumerNames, orphans, returned } from "./consumer-names.ts";
import type { OrphanTurn } from "./orphan-gate.ts";
import { RedisClaim } from "./queue-claim.ts";
import { addEntry, openQueue } from "./queue-lifetime.ts";
import type { Commands, RedisQueueReader } from "./queue-reader.ts";
import {
  buryScript,
  claimScript,
  collectScript,
  doneScript,
  leaveScript,
  type QueueKeys,
  queueKeys,
  renewScript,
  returnScript,
  runScript,
  type Script,
  type ScriptArgument,
  silentScript,
  takeOverScript,
  tidyScript,
} from "./queue-scripts.ts";
import { serverTime } from "./server-time.ts";

/**
 * The consumers of one consumption in a queue's consumer group, which hold its entries. Each method sends one
 * command, and rejects with `LayerUnavailableError` if the command fails. A claim that is the
 * only copy of its job is always held.
 */
export class RedisQueueConsumer {
  readonly names = newConsumerNames();
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

  get stream(): string {
    return this.#keys.stream;
  }

  /** Rejects if ages have to be measured, but the server does not tell its time. */
  async checkTime(): Promise<void> {
    if (this.#measuresAge) await this.#commands.run(serverTime);
  }

  /** Creates the group if it is missing. Returns the mark of the queue's last deletion, if it is remembered. */
  createGroup(): Promise<string | undefined> {
    const label = { command: "XGROUP CREATE", keys: [this.stream] };
    return this.#commands.run((redis) => openQueue(redis, this.#keys), label);
  }

  /** Waits up to `blockMs` for entries that no consumer has received yet. */
  async read(reader: RedisQueueReader, limit: number, blockMs: number): Promise<RedisClaim[]> {
    const { own } = this.names;
    const options = { limit, blockMs, withTime: this.#measuresAge };
    const [entries, time] = await reader.read(this.stream, group, own, options);
    return entries.map(
      ([id, [, payload]]) => new RedisClaim(String(id), payload ?? Buffer.alloc(0), 1, own, { time }),
    );
  }

  /** Claims returned jobs. First claims its own entries that are not in `held`: a reply was lost. */
  collect(limit: number, held: Iterable<string>): Promise<RedisClaim[]> {
    const { own, ...others } = this.names;
    const consumers = [...Object.values(others), own];
    return this.#claims(collectScript, own, [limit, consumers.length, ...consumers, returned, ...held]);
  }

  /** Returns whether there are orphans, and the other consumers that have not renewed a claim for `idleMs`. */
  async silent(idleMs: number): Promise<{ hasOrphans: boolean; consumers: readonly string[] }> {
    const reply = await this.#run(silentScript, [this.stream], orphans, Math.ceil(idleMs));
    const [count, ...holders] = reply as [number, ...Buffer[]];
    const excepted: readonly string[] = [...Object.values(this.names), returned, orphans];
    const consumers = [...new Set(holders.map(String))].filter((name) => !excepted.includes(name));
    return { hasOrphans: count > 0, consumers };
  }

  /**
   * Makes orphans of the jobs of the consumers `dead`, except those that have renewed a claim within `idleMs`.
   * Claims the oldest orphan of the queue, which runs in `turn`.
   */
  takeOver(dead: readonly string[], idleMs: number, turn: OrphanTurn): Promise<RedisClaim[]> {
    return this.#claims(takeOverScript, this.names.alone, [orphans, Math.ceil(idleMs), ...dead], turn);
  }

  /** Returns the jobs of the consumers `dead`, except those that have renewed a claim within `idleMs`. */
  async returnJobs(dead: readonly string[], idleMs: number): Promise<void> {
    await this.#run(returnScript, [this.stream], returned, Math.ceil(idleMs), ...dead);
  }

  /**
   * Removes the entry. Returns false if another worker has removed it, or is burying it.
   * @param isSure whether no other worker can have taken the entry over. Saves the server a third of the time.
   */
  async done({ id, consumer, isOnlyCopy }: RedisClaim, isSure: boolean): Promise<boolean> {
    if (isOnlyCopy) return true;
    const holder = isSure ? "" : consumer;
    return (await this.#run(doneScript, [this.stream], id, holder, this.#queueIdleMs)) === 1;
  }

  /** Begins the next attempt. Returns undefined if another worker has the entry. */
  again(claim: RedisClaim): Promise<RedisClaim | undefined> {
    return this.#move(claim, this.names.own, claim.attempt + 1);
  }

  /** Marks the job as waiting for a retry. Returns undefined if another worker has the entry. */
  suspend(claim: RedisClaim): Promise<RedisClaim | undefined> {
    return this.#move(claim, this.names.waiting, claim.attempt);
  }

  /** Makes {@link done} of other workers return false. Returns undefined if another worker has the entry. */
  condemn(claim: RedisClaim, attempts: number): Promise<RedisClaim | undefined> {
    return this.#move(claim, this.names.burying, attempts);
  }

  async bury(claim: RedisClaim): Promise<void> {
    const { id, attempt, consumer, isOnlyCopy } = claim;
    if (isOnlyCopy) return this.#addAgain(claim, true);
    const { stream, dead } = this.#keys;
    await this.#run(buryScript, [stream, dead], consumer, id, attempt, this.#queueIdleMs);
  }

  async release(claim: RedisClaim, attempts: number): Promise<void> {
    if (claim.isOnlyCopy) return this.#addAgain(claim, false);
    await this.#move(claim, returned, attempts);
  }

  /** Renews `claims`. Returns the claims that this consumption no longer holds. */
  async renew(claims: readonly RedisClaim[]): Promise<RedisClaim[]> {
    const held = claims.flatMap(({ id, consumer, attempt }) => [id, consumer, attempt]);
    const lost = await this.#run(renewScript, [this.stream], ...held);
    const ids = new Set((lost as Buffer[]).map(String));
    return claims.filter(({ id }) => ids.has(id));
  }

  async tidy(idleMs: number): Promise<void> {
    await this.#run(tidyScript, [this.stream], idleMs, this.names.own, this.#queueIdleMs);
  }

  async leave(): Promise<void> {
    await this.#run(leaveScript, [this.stream], ...Object.values(this.names));
  }

  async #claims(
    script: Script,
    consumer: string,
    args: readonly ScriptArgument[],
    turn?: OrphanTurn,
  ): Promise<RedisClaim[]> {
    const [found, time] = await Promise.all([
      this.#run(script, [this.stream], consumer, ...args),
      this.#measuresAge ? this.#commands.run(serverTime).catch(() => undefined) : undefined,
    ]);
    return (found as [Buffer, number, Buffer][]).map(
      ([id, attempt, payload]) => new RedisClaim(id.toString(), payload, attempt, consumer, { time, turn }),
    );
  }

  async #move(claim: RedisClaim, to: string, attempt: number): Promise<RedisClaim | undefined> {
    const { id, consumer, isOnlyCopy } = claim;
    if (isOnlyCopy) return claim.next(to, attempt);
    const isOurs = await this.#run(claimScript, [this.stream], consumer, id, claim.attempt, to, attempt);
    return isOurs === 1 ? claim.next(to, attempt) : undefined;
  }

  /** Adds a job whose entry has vanished to the end of the queue, or to the dead letters. */
  #addAgain({ payload }: RedisClaim, isDead: boolean): Promise<void> {
    const key = isDead ? this.#keys.dead : this.stream;
    const label = { command: "EVALSHA", kind: "add", keys: [key], addsData: true };
    return this.#commands.run((redis) => addEntry(redis, key, payload), label);
  }

  #run(script: Script, keys: readonly string[], ...args: ScriptArgument[]): Promise<unknown> {
    const label = { command: "EVALSHA", kind: script.sha, keys };
    return this.#commands.run((redis) => runScript(redis, script, keys, group, ...args), label);
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
