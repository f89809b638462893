import { randomBytes } from "node:crypto";
import type {
  Commit,
  Partition,
  Shipment,
  StateBackend,
  StateMessage,
  StateTopic,
  Turn,
  TurnReply,
} from "../../../../layers/state-backend.ts";

/** Two nodes that share a store. */
export interface StateNodes {
  readonly one: StateBackend;
  readonly two: StateBackend;
  /** Lets this time pass on the clock of the store, in milliseconds. @default waits */
  advance?(ms: number): Promise<void> | void;
  /** Called after `close` of the nodes. */
  close?(): Promise<void> | void;
}

export const bytes = (text: string): Uint8Array => Buffer.from(text);
export const text = (payload: Uint8Array | undefined): string | undefined =>
  payload && Buffer.from(payload).toString();
export const texts = (payloads: readonly Uint8Array[]) => payloads.map(text);

/** A kind that no other case uses. */
export const newKind = (): string => `kind.${randomBytes(6).toString("hex")}`;
export const newPartition = (): Partition => ({ kind: newKind(), index: 3 });

export const message = (number: number, key: string, payload = `${number}`, isAsk = false): StateMessage => ({
  key,
  number,
  payload: bytes(payload),
  isAsk,
});

export const shipment = (messages: readonly StateMessage[], options: Partial<Shipment> = {}): Shipment => ({
  sender: "sender",
  messages,
  capacity: 1_000,
  bytes: 1_000_000,
  stopAtFull: false,
  ...options,
});

/** A commit that creates `key` with this version, unless `options` say otherwise. */
export const commit = (key: string, version: string, options: Partial<Commit> = {}): Commit => ({
  key,
  from: undefined,
  state: { version, data: bytes(`data of ${version}`) },
  taken: 0,
  outbox: [],
  dead: [],
  ...options,
});

/** The owner of a partition, which numbers its turns. */
export class Owner {
  readonly backend: StateBackend;
  readonly partition: Partition;
  readonly node: string;
  readonly token = randomBytes(8).toString("hex");
  #number = 0;

  constructor(backend: StateBackend, partition: Partition, node = "one") {
    this.backend = backend;
    this.partition = partition;
    this.node = node;
  }

  /** Claims a free partition for `backend`. */
  static async of(backend: StateBackend, partition: Partition, node?: string): Promise<Owner> {
    const owner = new Owner(backend, partition, node);
    await owner.claim();
    return owner;
  }

  claim(version = 1, dead: readonly string[] = []) {
    const { node, token } = this;
    return this.backend.claim(this.partition, { node, token, version, dead });
  }

  turn(options: Partial<Turn> = {}): Promise<TurnReply> {
    this.#number += 1;
    return this.backend.turn(this.partition, {
      token: this.token,
      number: this.#number,
      commits: [],
      asleep: [],
      takes: [],
      relayed: 0,
      listWaiting: false,
      due: 0,
      ...options,
    });
  }

  commit(...commits: readonly Commit[]): Promise<TurnReply> {
    return this.turn({ commits });
  }

  /** The payloads of the first messages of an actor. */
  async messages(key: string) {
    const { taken } = await this.turn({ takes: [{ key, load: false }] });
    return texts(taken.flatMap(({ messages }) => messages.map(({ payload }) => payload)));
  }

  /** Loads an actor. @returns the number of its loads */
  async load(key: string) {
    const { taken } = await this.turn({ takes: [{ key, load: true }] });
    return taken[0]?.loads;
  }
}

/** Subscribes a topic. @returns the payloads that arrive */
export async function listen(backend: StateBackend, topic: StateTopic): Promise<(string | undefined)[]> {
  const payloads: (string | undefined)[] = [];
  await backend.subscribe(topic, { payload: (payload) => payloads.push(text(payload)), gap: () => {} });
  return payloads;
}

/** The nodes of a suite. */
export interface StateSuite {
  readonly one: StateBackend;
  readonly two: StateBackend;
  /** Lets time pass on the clock of the store, in milliseconds. */
  advance(ms: number): Promise<void>;
  /** Runs `use` on nodes of its own, which it may close. */
  fresh(use: (nodes: StateNodes) => Promise<void>): Promise<void>;
}
