import type { SavedMachine } from "../actors/index.ts";
import { textOf } from "../layers/errors.ts";
import type { LayerState } from "../layers/layer-state.ts";
import type { Message } from "../layers/message.ts";

/** The stored form of an actor. Its properties have short names, because each actor stores them. */
export interface ActorRecord {
  /** The version of the machine. */
  readonly v: number;
  readonly m: SavedMachine;
  /** The view, if the kind has the option `view`. */
  readonly w?: unknown;
  /** The time at which an actor in a final state is removed. */
  readonly u?: number;
}

/** A message in a mailbox. */
export interface MailRecord {
  readonly m: Message;
  /** The ask to answer: see {@link askOf}. */
  readonly a?: string;
}

/** The answer to an ask. */
export type Answer =
  | { readonly ok: unknown }
  | { readonly refused: { readonly code: string; readonly message: string; readonly data?: unknown } }
  | { readonly failed: string };

/** An entry of the outbox of a partition. */
export type OutboxRecord =
  | { readonly t: "answer"; readonly ask: string; readonly answer: Answer }
  | { readonly t: "group"; readonly layer?: string; readonly group: string; readonly message: Message }
  | { readonly t: "tell"; readonly kind: string; readonly key: string; readonly message: Message }
  | { readonly t: "submit"; readonly layer?: string; readonly channel: string; readonly message: Message };

/** A message, a delay or an outbox entry that could not be handled. */
export interface DeadRecord {
  readonly key: string;
  readonly reason: string;
  /** The time of the store, in milliseconds. */
  readonly at: number;
  readonly message?: Message;
  /** The type of the event of a delay. */
  readonly delay?: string;
  readonly entry?: OutboxRecord;
}

/** The reason why an actor is parked. */
export interface ParkedRecord {
  readonly reason: string;
  readonly at: number;
}

/** The view of an actor, for its watchers. `n` is the version of the snapshot; empty if the actor was removed. */
export interface ViewRecord {
  readonly n: string;
  readonly w?: unknown;
}

const maxReason = 2_000;

/** The text of an error for a record: at most 2,000 characters, so that the record can be stored. */
export const reasonOf = (error: unknown): string => textOf(error).slice(0, maxReason);

interface Records {
  readonly state: ActorRecord;
  readonly mail: MailRecord;
  readonly outbox: OutboxRecord;
  readonly dead: DeadRecord;
  readonly parked: ParkedRecord;
  readonly view: ViewRecord;
}

/** Packs and unpacks the records of one kind. A record can be read only at its own place. */
export class RecordCodec {
  readonly #state: LayerState;
  readonly #kind: string;

  constructor(state: LayerState, kind: string) {
    this.#state = state;
    this.#kind = kind;
  }

  /**
   * @param place the key of an actor, or the index of a partition
   * @throws {InvalidMessageError} if the record is over 1 MiB, or has a part that a message cannot hold.
   */
  pack<T extends keyof Records>(type: T, place: string | number, record: Records[T]): Uint8Array {
    return this.#state.pack(record, `${type} ${this.#kind} ${place}`);
  }

  /** Packs a dead letter, without its message or entry if all together is too large. */
  packDead(partition: number, { message, entry, ...facts }: DeadRecord): Uint8Array {
    try {
      return this.pack("dead", partition, { ...facts, ...(message && { message }), ...(entry && { entry }) });
    } catch {
      return this.pack("dead", partition, facts);
    }
  }

  /** @throws {Error} if the payload is damaged, was moved, or was encrypted with another key. */
  unpack<T extends keyof Records>(type: T, place: string | number, payload: Uint8Array): Records[T] {
    return this.#state.unpack(payload, `${type} ${this.#kind} ${place}`) as Records[T];
  }
}

/** The view in a record: by default the value of the machine's state. */
export function viewIn({ w, m }: ActorRecord): unknown {
  return w === undefined ? m.state.value : w;
}

/** Names an ask for the machine that answers it. Names of channels contain no spaces. */
export const askOf = (channel: string, id: string): string => `${channel} ${id}`;

/** The channel and the id in an ask. Undefined if the machine has made up the ask. */
export function readAsk(ask: unknown): { readonly channel: string; readonly id: string } | undefined {
  const [channel, id, ...more] = typeof ask === "string" ? ask.split(" ") : [];
  return channel === undefined || id === undefined || more.length > 0 ? undefined : { channel, id };
}
