import { group, newConsumerNames, orphans, returned } from "./consumer-names.ts";
import type { OrphanTurn } from "./orphan-gate.ts";
import { RedisClaim } from "./queue-claim.ts";
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
  runScript,
  type Script,
  type ScriptArgument,
  silentScript,
  takeOverScript,
  tidyScript,
} from "./queue-scripts.ts";

/**
 * The consumers of one consumption in a queue's consumer group, which hold its entries. Each method sends one
 * command, and rejects with `LayerUnavailableError` if the command fails.
 */
export class RedisQueueConsumer {
  readonly names = newConsumerNames();
  readonly #keys: QueueKeys;
  readonly #commands: Commands;

  constructor(queue: string, commands: Commands) {
    this.#keys = queueKeys(queue);
    this.#commands = commands;
  }

  get stream(): string {
    return this.#keys.stream;
  }

  async createGroup(): Promise<void> {
    try {
      // The group starts at the first entry, because jobs may be sent before the first worker starts.
      await this.#commands.run((redis) => redis.xgroup("CREATE", this.stream, group, "0", "MKSTREAM"));
    } catch (error) {
      if (!causeOf(error).startsWith("BUSYGROUP")) throw error;
    }
  }

  /** Waits up to `blockMs` for entries that no consumer has received yet. */
  async read(reader: RedisQueueReader, limit: number, blockMs: number): Promise<RedisClaim[]> {
    const { own } = this.names;
    const entries = await reader.read(this.stream, group, own, limit, blockMs);
    return entries.map(([id, fields]) => new RedisClaim(id.toString(), fields[1] ?? Buffer.alloc(0), 1, own));
  }

  /** Claims returned jobs. First claims its own entries that are not in `held`: a reply was lost. */
  collect(limit: number, held: Iterable<string>): Promise<RedisClaim[]> {
    const { own, alone, burying } = this.names;
    const consumers = [alone, burying, own];
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

  /**
   * Removes the entry. Returns false if another worker has removed it, or is burying it.
   * @param isSure whether no other worker can have taken the entry over. Saves the server a third of the time.
   */
  async done({ id }: RedisClaim, isSure: boolean): Promise<boolean> {
    return (await this.#run(doneScript, [this.stream], id, isSure ? 0 : 1)) === 1;
  }

  /** Begins the next attempt. Returns undefined if another worker has the entry. */
  again(claim: RedisClaim): Promise<RedisClaim | undefined> {
    return this.#move(claim, this.names.own, claim.attempt + 1);
  }

  /** Makes {@link done} of other workers return false. Returns undefined if another worker has the entry. */
  condemn(claim: RedisClaim): Promise<RedisClaim | undefined> {
    return this.#move(claim, this.names.burying, claim.attempt);
  }

  async bury({ id, attempt, consumer }: RedisClaim): Promise<void> {
    const { stream, dead } = this.#keys;
    await this.#run(buryScript, [stream, dead], consumer, id, attempt);
  }

  async release(claim: RedisClaim, attempts: number): Promise<void> {
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
    await this.#run(tidyScript, [this.stream], idleMs, this.names.own);
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
    const found = await this.#run(script, [this.stream], consumer, ...args);
    return (found as [Buffer, number, Buffer][]).map(
      ([id, attempt, payload]) => new RedisClaim(id.toString(), payload, attempt, consumer, turn),
    );
  }

  async #move(claim: RedisClaim, to: string, attempt: number): Promise<RedisClaim | undefined> {
    const { id, payload, consumer } = claim;
    const isOurs = await this.#run(claimScript, [this.stream], consumer, id, claim.attempt, to, attempt);
    return isOurs === 1 ? new RedisClaim(id, payload, attempt, to) : undefined;
  }

  #run(script: Script, keys: readonly string[], ...args: ScriptArgument[]): Promise<unknown> {
    return this.#commands.run((redis) => runScript(redis, script, keys, group, ...args));
  }
}

/** Whether a read failed with NOGROUP or UNBLOCKED, which means that the consumer group is missing. */
export function isWithoutGroup(error: unknown): boolean {
  return /^(?:NOGROUP|UNBLOCKED)/.test(causeOf(error));
}

function causeOf(error: unknown): string {
  return error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
}
