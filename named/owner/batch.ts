import type { SavedDelay } from "../../actors/index.ts";
import type { Commit, StoredMessage } from "../../layers/state-backend.ts";
import type { ChildEvent } from "../machine/machine-run.ts";
import type { Answer, DeadRecord, OutboxRecord, ParkedRecord, RecordCodec, ViewRecord } from "../records.ts";

/** One thing that an actor does. */
export type Item =
  | { readonly type: "child"; readonly event: ChildEvent }
  | { readonly type: "delay"; readonly delay: SavedDelay }
  | { readonly type: "mail"; readonly mail: StoredMessage };

/** An answer to an ask of this node. It needs no outbox, because both would end together with the process. */
export interface LocalAnswer {
  readonly ask: string;
  readonly answer: Answer;
}

/** The outcome of `Activation.work`. */
export interface Work {
  readonly commit: Commit | undefined;
  /** Must be given once the commit is stored. */
  readonly answers: readonly LocalAnswer[];
  /** The entries of the outbox in the commit. */
  readonly outbox: readonly OutboxRecord[];
  /** Whether more can be done at once. */
  readonly hasMore: boolean;
  /** Milliseconds until the next try of a step that failed. */
  readonly retryInMs: number | undefined;
}

/** The number and the size of outbox entries from which a batch gets no more steps. */
const largeOutbox = 256;
const largeOutboxBytes = 1024 * 1024;

/** An entry of an outbox in both forms. */
export interface PackedRecord {
  readonly record: OutboxRecord;
  readonly payload: Uint8Array;
}

/** The steps of one actor that are committed together. */
export class Batch {
  readonly answers: LocalAnswer[] = [];
  readonly records: OutboxRecord[] = [];
  /** The steps so far, including those that failed. */
  readonly items: Item[] = [];
  /** The number of steps that have changed the snapshot. */
  changes = 0;
  view: ViewRecord | undefined;
  parked: ParkedRecord | undefined;
  readonly #key: string;
  readonly #partition: number;
  readonly #from: string | undefined;
  readonly #codec: RecordCodec;
  readonly #payloads: Uint8Array[] = [];
  readonly #dead: Uint8Array[] = [];
  #taken = 0;
  #lastTaken: string | undefined;
  #bytes = 0;

  /** @param from the version of the actor before the steps */
  constructor(key: string, partition: number, from: string | undefined, codec: RecordCodec) {
    this.#key = key;
    this.#partition = partition;
    this.#from = from;
    this.#codec = codec;
  }

  /** The number of messages that were handled. */
  get taken(): number {
    return this.#taken;
  }

  /** Counts a message as handled. */
  take({ id }: StoredMessage): void {
    this.#taken += 1;
    this.#lastTaken = id;
  }

  get isLarge(): boolean {
    return this.records.length >= largeOutbox || this.#bytes >= largeOutboxBytes;
  }

  /** Whether there is nothing to store. Local answers are not stored. */
  get isEmpty(): boolean {
    return (
      this.changes + this.taken + this.records.length + this.#dead.length === 0 && this.parked === undefined
    );
  }

  /** @throws {InvalidMessageError} if the outbox cannot hold the record. */
  pack(record: OutboxRecord): PackedRecord {
    return { record, payload: this.#codec.pack("outbox", this.#partition, record) };
  }

  /** Adds an entry to the outbox. */
  send({ record, payload }: PackedRecord): void {
    this.records.push(record);
    this.#payloads.push(payload);
    this.#bytes += payload.length;
  }

  bury(record: DeadRecord): void {
    this.#dead.push(this.#codec.packDead(this.#partition, record));
  }

  commit(state: Commit["state"], deadline: number | undefined): Commit {
    const { parked, view } = this;
    return {
      key: this.#key,
      from: this.#from,
      taken: this.#taken,
      ...(this.#lastTaken !== undefined && { lastTaken: this.#lastTaken }),
      outbox: this.#payloads,
      dead: this.#dead,
      ...(state && { state }),
      ...(deadline !== undefined && { deadline }),
      ...(view && { view: this.#codec.pack("view", this.#key, view) }),
      ...(parked && { parked: this.#codec.pack("parked", this.#key, parked) }),
    };
  }

  /** The commit that removes the actor. */
  removal(): Commit {
    this.view = { n: "" };
    return { ...this.commit(undefined, undefined), remove: true };
  }
}
