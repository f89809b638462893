import type { Redis } from "ioredis";
import type { HistoryQuery, StoredHistory } from "../../backend.ts";
import type { Topics } from "../../wire/topics.ts";
import { atTurnEnd } from "../connection/end-of-turn.ts";
import type { PubSubCommands } from "../connection/pubsub-commands.ts";
import { isRefusal, type RedisConnection } from "../connection/redis-connection.ts";
import type { HeadExpiry } from "./head-expiry.ts";
import type { StreamSource } from "./stream-follower.ts";
import {
  type Head,
  parseEntry,
  parseHead,
  type Snapshot,
  type StreamEntry,
  type StreamNames,
  streamNames,
} from "./stream-format.ts";

const headsPerCommand = 1_000;
/** Must be at least 2, because the first entry of a page is already known. */
const entriesPerPage = 100;
/** Layers store 32 bytes. A shorter value is from another program. */
const minSecretBytes = 32;
/** Maximum number of concurrent reads. Limits the memory if a thousand groups have holes at once. */
const maxReads = 32;

interface HeadRequest {
  readonly topic: string;
  resolve(head: Head): void;
  reject(error: unknown): void;
}

export class StreamReader implements StreamSource {
  readonly #connection: RedisConnection;
  readonly #commands: PubSubCommands;
  readonly #topics: Topics;
  readonly #headExpiry: HeadExpiry;
  readonly #waiting: (() => void)[] = [];
  #requests: HeadRequest[] = [];
  #reads = 0;

  /** @param connection a connection whose client has the scripts of {@link defineStreamScripts}. */
  constructor(connection: RedisConnection, commands: PubSubCommands, topics: Topics, headExpiry: HeadExpiry) {
    this.#connection = connection;
    this.#commands = commands;
    this.#topics = topics;
    this.#headExpiry = headExpiry;
  }

  get isUp(): boolean {
    return this.#connection.isUp;
  }

  get server(): string {
    return this.#connection.serverId;
  }

  /** All requests of one turn of the event loop are sent together. */
  head(topic: string): Promise<Head> {
    return new Promise((resolve, reject) => {
      if (this.#requests.length === 0) atTurnEnd(() => this.#askHeads());
      this.#requests.push({ topic, resolve, reject });
    });
  }

  async read(topic: string, offset: number): Promise<Snapshot> {
    const { head, entries } = await this.#page(topic, "XRANGE", (redis, { stream, head: key }) =>
      redis.multi().get(key).xrangeBuffer(stream, offset, "+", "COUNT", entriesPerPage).exec(),
    );
    return { head: head ?? (await this.head(topic)), entries, hasMore: entries.length === entriesPerPage };
  }

  async history(topic: string, { limit, since }: HistoryQuery): Promise<StoredHistory> {
    const after = typeof since === "number" ? since : (since?.offset ?? 0);
    const newestAfter = (offset: number) =>
      this.#page(topic, "XREVRANGE", (redis, { stream, head }) =>
        redis
          .multi()
          .get(head)
          .xrevrangeBuffer(stream, "+", offset + 1, "COUNT", limit)
          .exec(),
      );
    let page = await newestAfter(after);
    const isOther = typeof since === "object" && since.epoch !== page.head?.epoch;
    const isKnown = page.head !== undefined && after <= page.head.offset && !isOther;
    // `since` belongs to another history, so all entries are new to the caller.
    if (!isKnown && after > 0) page = await newestAfter(0);
    const { head } = page;
    if (head === undefined) return { entries: [], position: undefined, complete: since === undefined };
    const { epoch } = head;
    const entries = page.entries
      .reverse()
      .map(({ payload, offset }) => ({ payload, position: { offset, epoch } }));
    const complete = since === undefined || (isKnown && entries.length === head.offset - after);
    return { entries, position: { offset: head.offset, epoch }, complete };
  }

  /** See {@link HistoryBackend.secret}. */
  async secret(key: string, candidate: Uint8Array): Promise<Uint8Array> {
    const { buffer, byteOffset, byteLength } = candidate;
    const bytes = Buffer.from(buffer, byteOffset, byteLength);
    const label = { command: "SET", keys: [key] };
    const ask = (redis: Redis) => answersOf(redis.multi().set(key, bytes, "NX").getBuffer(key).exec());
    const [, stored] = await this.#connection.run(ask, label);
    if (Buffer.isBuffer(stored) && stored.length >= minSecretBytes) return stored;
    throw new Error(`The Redis key "${key}" does not hold a secret: delete it.`);
  }

  async #page(
    topic: string,
    command: string,
    ask: (redis: Redis, names: StreamNames) => Promise<[Error | null, unknown][] | null>,
  ): Promise<{ head: Head | undefined; entries: Omit<StreamEntry, "epoch">[] }> {
    await this.#acquire();
    try {
      const names = streamNames(topic);
      const label = { command, keys: [names.stream] };
      const [head, rows] = await this.#connection.run((redis) => answersOf(ask(redis, names)), label);
      return { head: asHead(head), entries: asEntries(rows, asHead(head)) };
    } finally {
      this.#reads -= 1;
      this.#waiting.shift()?.();
    }
  }

  async #acquire(): Promise<void> {
    while (this.#reads >= maxReads) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#reads += 1;
  }

  #askHeads(): void {
    const requests = this.#requests;
    this.#requests = [];
    const perCommand = this.#commands.takesManySlots ? headsPerCommand : 1;
    for (const [expiryMs, alike] of this.#byExpiry(requests)) {
      for (let from = 0; from < alike.length; from += perCommand) {
        void this.#answer(alike.slice(from, from + perCommand), expiryMs);
      }
    }
  }

  #byExpiry(requests: readonly HeadRequest[]): Map<number, HeadRequest[]> {
    const groups = new Map<number, HeadRequest[]>();
    for (const request of requests) {
      const expiryMs = this.#headExpiry.of(this.#topics.groupOf(request.topic) ?? request.topic);
      const alike = groups.get(expiryMs);
      if (alike === undefined) groups.set(expiryMs, [request]);
      else alike.push(request);
    }
    return groups;
  }

  async #answer(requests: readonly HeadRequest[], expiryMs: number): Promise<void> {
    try {
      const names = requests.map(({ topic }) => streamNames(topic));
      const keys = [...names.map(({ head }) => head), ...names.map(({ stream }) => stream)];
      const expiries = [expiryMs, this.#headExpiry.first(expiryMs)];
      const label = { command: "EVALSHA", kind: "heads", keys, mayOnlyRead: true };
      const texts = await this.#connection.run(
        (redis) => redis.greenroomHeads(keys.length, ...keys, ...expiries),
        label,
      );
      for (const [index, { resolve, reject }] of requests.entries()) {
        const head = asHead(texts[index]);
        if (head !== undefined) resolve(head);
        else
          reject(new Error(`The Redis key "${keys[index]}" does not hold the head of a stream: delete it.`));
      }
    } catch (error) {
      if (isRefusal(error) && requests.length > 1) {
        // The server may refuse the keys of some topics only, so the others must not share their command.
        const half = Math.ceil(requests.length / 2);
        void this.#answer(requests.slice(0, half), expiryMs);
        void this.#answer(requests.slice(half), expiryMs);
      } else {
        for (const { reject } of requests) reject(error);
      }
    }
  }
}

/** Returns the replies of a transaction. Throws the error of the first command that failed. */
async function answersOf(transaction: Promise<[Error | null, unknown][] | null>): Promise<unknown[]> {
  const answers = await transaction.catch((error: Error & { previousErrors?: Error[] }) => {
    throw error.previousErrors?.[0] ?? error;
  });
  return (answers ?? []).map(([error, answer]) => {
    if (error !== null) throw error;
    return answer;
  });
}

function asHead(text: unknown): Head | undefined {
  return typeof text === "string" ? parseHead(text) : undefined;
}

/** Ignores entries newer than the head. They belong to an earlier history, whose head was lost. */
function asEntries(rows: unknown, head: Head | undefined): Omit<StreamEntry, "epoch">[] {
  const entries = (rows ?? []) as [id: Buffer, fields: Buffer[]][];
  return entries.flatMap(([id, [, payload]]) => {
    const entry = parseEntry(id.toString("latin1"), payload);
    return entry === undefined || head === undefined || entry.offset > head.offset ? [] : [entry];
  });
}
