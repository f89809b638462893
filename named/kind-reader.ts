import type { NamedDeadLetter, NamedEffect } from "../actors/index.ts";
import { textOf } from "../layers/errors.ts";
import type { LayerState } from "../layers/layer-state.ts";
import type { Partition, StateBackend } from "../layers/state-backend.ts";
import { placeOf } from "./node-name.ts";
import { type ActorRecord, type DeadRecord, type OutboxRecord, type RecordCodec, viewIn } from "./records.ts";

/** The number of requests to the store that are under way at a time. */
const concurrency = 16;

/** A node that runs a kind. */
export interface MemberFacts {
  /** The host and process id. */
  readonly node: string;
  readonly isThis: boolean;
  /** The version of the machine. */
  readonly version: number;
}

export interface PartitionFacts {
  readonly index: number;
  /** The host and process id of the owner. Undefined if the partition has no owner. */
  readonly owner: string | undefined;
  /** The highest version that has owned the partition. */
  readonly version: number;
  readonly actors: number;
  /** The number of actors with messages. */
  readonly waiting: number;
  readonly parked: number;
  readonly deadLetters: number;
  readonly outbox: number;
  /** Milliseconds until the earliest deadline. Negative if it has passed. */
  readonly dueInMs: number | undefined;
}

export interface ParkedFacts {
  readonly key: string;
  readonly reason: string;
  /** Milliseconds since 1970, on the clock of the store. */
  readonly at: number;
}

export interface ActorFacts {
  readonly key: string;
  readonly partition: number;
  /** The version of the snapshot. Undefined if the actor does not exist. */
  readonly version: string | undefined;
  /** The version of the machine that has stored the snapshot. */
  readonly machineVersion: number | undefined;
  readonly bytes: number;
  /** The value of the machine's state. */
  readonly value: unknown;
  readonly view: unknown;
  readonly context: unknown;
  /** Whether the machine is in a final state. */
  readonly hasEnded: boolean;
  /** The delays of the machine, the earliest first. */
  readonly delays: readonly { readonly event: string; readonly inMs: number }[];
  readonly mailbox: number;
  /** Milliseconds until the next deadline: a delay, or the removal of an actor that has ended. */
  readonly dueInMs: number | undefined;
  readonly parked: Omit<ParkedFacts, "key"> | undefined;
  /** The reason why the snapshot cannot be read. */
  readonly unreadable: string | undefined;
}

export interface KindReaderOptions {
  readonly kind: string;
  readonly partitions: number;
  /** The name of this node. */
  readonly node: string;
  readonly state: LayerState;
  readonly codec: RecordCodec;
  readonly partitionOf: (key: string) => Partition;
  /** Opens the store. */
  readonly open: () => Promise<void>;
}

/** Reads what the store has of a kind, for operators. Wakes no actor. */
export class KindReader {
  readonly #options: KindReaderOptions;

  constructor(options: KindReaderOptions) {
    this.#options = options;
  }

  /** The nodes that run the kind. @throws {LayerUnavailableError} */
  async members(): Promise<readonly MemberFacts[]> {
    const { kind, node: own } = this.#options;
    const { members } = await this.#run((backend) => backend.members(kind));
    return members.map(({ node, version }) => ({ node: placeOf(node), isThis: node === own, version }));
  }

  /**
   * The first `limit` partitions, and some of the parked actors in them.
   * @throws {LayerUnavailableError}
   */
  async partitions(limit: number): Promise<{
    readonly partitions: readonly PartitionFacts[];
    readonly parked: readonly ParkedFacts[];
  }> {
    const { kind, partitions } = this.#options;
    const indices = Array.from({ length: Math.min(limit, partitions) }, (_, index) => index);
    const parked: ParkedFacts[] = [];
    const described = await inParallel(indices, async (index): Promise<PartitionFacts> => {
      const stored = await this.#run((backend) => backend.describe({ kind, index }));
      for (const { key, reason } of stored.parked) parked.push({ key, ...this.#parked(key, reason) });
      const { version, actors, waiting, parkedActors, deadLetters, outbox, nextDeadline, now } = stored;
      const owner = stored.owner === undefined ? undefined : placeOf(stored.owner);
      const dueInMs = nextDeadline === undefined ? undefined : nextDeadline - now;
      return { index, owner, version, actors, waiting, parked: parkedActors, deadLetters, outbox, dueInMs };
    });
    return { partitions: described, parked };
  }

  /** @throws {LayerUnavailableError} */
  actors(keys: readonly string[]): Promise<readonly ActorFacts[]> {
    return inParallel(keys, (key) => this.actor(key));
  }

  /** @throws {LayerUnavailableError} */
  async actor(key: string): Promise<ActorFacts> {
    const partition = this.#options.partitionOf(key);
    const stored = await this.#run((backend) => backend.read(partition, key));
    const { state, mailbox, parked, deadline, now } = stored;
    const facts = {
      key,
      partition: partition.index,
      version: state?.version,
      bytes: state?.data.length ?? 0,
      mailbox,
      dueInMs: deadline === undefined ? undefined : deadline - now,
      parked: parked && this.#parked(key, parked),
    };
    try {
      const record = state && this.#options.codec.unpack("state", key, state.data);
      return { ...facts, ...contentOf(record, now), unreadable: undefined };
    } catch (error) {
      return { ...facts, ...contentOf(undefined, now), unreadable: textOf(error) };
    }
  }

  /**
   * The newest dead letters of a key, of a partition, or of the kind, the newest first.
   * @throws {LayerUnavailableError}
   */
  async deadLetters({
    key,
    partition,
    limit,
  }: {
    readonly key?: string;
    readonly partition?: number;
    readonly limit: number;
  }): Promise<readonly NamedDeadLetter[]> {
    const { partitions, partitionOf } = this.#options;
    const only = key === undefined ? partition : partitionOf(key).index;
    const indices = only === undefined ? Array.from({ length: partitions }, (_, index) => index) : [only];
    let newest: readonly NamedDeadLetter[] = [];
    await inParallel(indices, async (index) => {
      const found = await this.#deadLettersOf(index, key, limit);
      if (found.length > 0)
        newest = [...newest, ...found].sort((one, other) => other.at - one.at).slice(0, limit);
    });
    return newest;
  }

  async #deadLettersOf(index: number, key: string | undefined, limit: number): Promise<NamedDeadLetter[]> {
    const { kind, codec } = this.#options;
    // The letters of one key may be the oldest ones of its partition.
    const read = key === undefined ? limit : undefined;
    const payloads = await this.#run((backend) => backend.deadLetters({ kind, index }, read));
    const letters = payloads.toReversed().map((payload): NamedDeadLetter => {
      try {
        return letterOf(codec.unpack("dead", index, payload));
      } catch (error) {
        return { key: undefined, reason: textOf(error), at: 0 };
      }
    });
    return letters.filter((letter) => key === undefined || letter.key === key).slice(0, limit);
  }

  #parked(key: string, payload: Uint8Array): Omit<ParkedFacts, "key"> {
    try {
      const { reason, at } = this.#options.codec.unpack("parked", key, payload);
      return { reason, at };
    } catch (error) {
      return { reason: textOf(error), at: 0 };
    }
  }

  async #run<T>(work: (backend: StateBackend) => Promise<T>): Promise<T> {
    await this.#options.open();
    return this.#options.state.run(work);
  }
}

function contentOf(record: ActorRecord | undefined, now: number) {
  const state = record?.m.state;
  return {
    machineVersion: record?.v,
    value: state?.value,
    view: record && viewIn(record),
    context: state?.context,
    hasEnded: record?.u !== undefined,
    delays: (record?.m.delays ?? []).map(({ event, at }) => ({ event: event.type, inMs: at - now })),
  };
}

function letterOf({ key, reason, at, message, delay, entry }: DeadRecord): NamedDeadLetter {
  const effect = entry && effectOf(entry);
  return {
    key: key === "" ? undefined : key,
    reason,
    at,
    ...(message && { message }),
    ...(delay !== undefined && { delay }),
    ...(effect && { effect }),
  };
}

/** The effect of an entry of an outbox. Answers are not effects, because their asks have ended. */
function effectOf(entry: OutboxRecord): NamedEffect | undefined {
  switch (entry.t) {
    case "group": {
      const { group, message, layer } = entry;
      return { type: "groupSend", group, message, ...(layer !== undefined && { layer }) };
    }
    case "tell":
      return { type: "tell", kind: entry.kind, key: entry.key, message: entry.message };
    case "submit": {
      const { channel, message, layer } = entry;
      return { type: "submit", channel, message, ...(layer !== undefined && { layer }) };
    }
    default:
      return undefined;
  }
}

/** The results of `work` in the order of `items`. */
async function inParallel<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const left = items.entries();
  const worker = async () => {
    for (const [index, item] of left) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, worker));
  return results;
}
