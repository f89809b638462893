import { systemClock } from "../layers/clock.ts";
import { effectOf, QueueFullError } from "../layers/errors.ts";
import type { LayerState } from "../layers/layer-state.ts";
import { pause } from "../layers/retry.ts";
import type {
  Partition,
  Shipment,
  ShipmentOutcome,
  ShipmentReply,
  StateMessage,
} from "../layers/state-backend.ts";
import { NotStoredError, OutcomeUnknownError } from "./errors.ts";
import type { ShipmentOptions } from "./kind-options.ts";

/** Limits of one shipment. */
const maxMessages = 256;
const maxBytes = 1024 * 1024;

/** The time after which a message that could not be stored is given up, in milliseconds. */
const giveUpMs = 10_000;

/** The memory for messages that wait for the store, in bytes, for one kind on one node. */
const maxWaitingBytes = 64 * 1024 * 1024;

interface Waiting {
  readonly key: string;
  readonly payload: Uint8Array;
  readonly isAsk: boolean;
  readonly since: number;
  resolve(outcome: "stored" | "parked"): void;
  reject(error: Error): void;
}

/** The messages to one partition. One shipment is under way at a time, so the messages stay in order. */
interface Lane {
  readonly partition: Partition;
  readonly waiting: Waiting[];
  /** The number of the last message of this node. */
  last: number;
  /** The number of the last message that the store has acknowledged. */
  acknowledged: number;
  isShipping: boolean;
}

/** A partition that this node owns. */
export interface Carrier {
  /**
   * Stores messages together with the work of the partition. `form` returns them, and is called when they are sent.
   * Resolves with undefined if they were certainly not stored.
   *
   * @throws {LayerUnavailableError} if it is not known whether they were stored.
   */
  ship(form: () => Shipment): Promise<ShipmentReply | undefined>;
}

export interface ShipperListener {
  /** Returns a partition if this node owns it. */
  carrier(partition: Partition): Carrier | undefined;
  /** No node listens to a partition. */
  unheard(partition: Partition): void;
  /** The store has lost messages that it had acknowledged. */
  lost(partition: Partition, messages: number): void;
  /** A message was refused because its mailbox is full. */
  full(): void;
}

/**
 * Stores the messages of this node in the mailboxes of one kind. Messages of one turn of the event loop go together.
 * The messages to a partition have numbers, so a shipment can be repeated after a broken connection.
 */
export class Shipper {
  readonly #state: LayerState;
  readonly #kind: string;
  readonly #sender: string;
  readonly #options: ShipmentOptions;
  readonly #listener: ShipperListener;
  readonly #lanes = new Map<number, Lane>();
  readonly #closing = new AbortController();
  #waitingBytes = 0;

  /** @param sender identifies this node, and is new for each shipper */
  constructor(
    state: LayerState,
    kind: string,
    sender: string,
    options: ShipmentOptions,
    listener: ShipperListener,
  ) {
    this.#state = state;
    this.#kind = kind;
    this.#sender = sender;
    this.#options = options;
    this.#listener = listener;
  }

  /**
   * Stores a message. Resolves with `parked` if it is an ask to a parked actor; such a message is not stored.
   *
   * @throws {QueueFullError} if the mailbox is full.
   * @throws {NotStoredError} if the message was certainly not stored.
   * @throws {OutcomeUnknownError} if the connection broke, and it is not known whether the message was stored.
   */
  ship(index: number, key: string, payload: Uint8Array, isAsk: boolean): Promise<"stored" | "parked"> {
    return new Promise((resolve, reject) => {
      if (this.#closing.signal.aborted) throw new NotStoredError("The runtime is closed.");
      if (this.#waitingBytes + payload.length > maxWaitingBytes) {
        throw new NotStoredError(
          `${maxWaitingBytes} bytes of messages to the kind "${this.#kind}" wait for the store: send fewer at a time.`,
        );
      }
      this.#waitingBytes += payload.length;
      const lane = this.#laneOf(index);
      lane.waiting.push({ key, payload, isAsk, since: performance.now(), resolve, reject });
      if (!lane.isShipping) this.#start(lane);
    });
  }

  /** Rejects the messages that wait. A shipment that is under way ends first. */
  close(): void {
    this.#closing.abort();
  }

  #laneOf(index: number): Lane {
    let lane = this.#lanes.get(index);
    if (lane === undefined) {
      const partition = { kind: this.#kind, index };
      lane = { partition, waiting: [], last: 0, acknowledged: 0, isShipping: false };
      this.#lanes.set(index, lane);
    }
    return lane;
  }

  #start(lane: Lane): void {
    lane.isShipping = true;
    // The messages of this turn of the event loop go together.
    queueMicrotask(() => void this.#drain(lane));
  }

  async #drain(lane: Lane): Promise<void> {
    while (lane.waiting.length > 0) {
      let batch: readonly Waiting[] = [];
      let shipment: Shipment | undefined;
      const form = () => {
        if (shipment !== undefined) return shipment;
        batch = takeBatch(lane.waiting);
        shipment = this.#shipmentOf(lane, batch);
        return shipment;
      };
      try {
        const { outcomes } = await this.#ship(lane, form);
        for (const [index, waiting] of batch.entries()) this.#settle(waiting, outcomes[index] ?? "stored");
      } catch (error) {
        for (const { reject } of batch) reject(error as Error);
      }
      for (const { payload } of batch) this.#waitingBytes -= payload.length;
    }
    lane.isShipping = false;
  }

  #settle({ key, resolve, reject }: Waiting, outcome: ShipmentOutcome): void {
    if (outcome !== "full") {
      resolve(outcome);
      return;
    }
    this.#listener.full();
    reject(
      new QueueFullError(`The mailbox of the named actor "${this.#kind}" ${JSON.stringify(key)} is full.`),
    );
  }

  #shipmentOf(lane: Lane, batch: readonly Waiting[]): Shipment {
    const messages: StateMessage[] = batch.map(({ key, payload, isAsk }) => {
      lane.last += 1;
      return { key, payload, isAsk, number: lane.last };
    });
    return { sender: this.#sender, messages, ...this.#options, stopAtFull: false };
  }

  /** @param form returns the messages, which may grow in number until the first call. */
  async #ship(lane: Lane, form: () => Shipment): Promise<ShipmentReply> {
    const since = lane.waiting[0]?.since ?? 0;
    const reply = await this.#attempt((tries) => this.#send(lane, form, tries), since);
    lane.acknowledged = lane.last;
    if (!reply.isHeard) this.#listener.unheard(lane.partition);
    return reply;
  }

  async #send(lane: Lane, form: () => Shipment, tries: number): Promise<ShipmentReply> {
    const { partition } = lane;
    // A partition may repeat a turn for longer than a message may wait.
    const carrier = tries === 1 ? this.#listener.carrier(partition) : undefined;
    const reply = (await carrier?.ship(form)) ?? (await this.#sendAlone(partition, form()));
    const lost = lane.acknowledged - reply.known;
    if (lost > 0) this.#listener.lost(partition, lost);
    return reply;
  }

  #sendAlone(partition: Partition, shipment: Shipment): Promise<ShipmentReply> {
    return this.#state.run((backend) => backend.ship(partition, shipment));
  }

  /** Repeats `attempt` until it succeeds, the store refuses it, or the time is over. */
  async #attempt(attempt: (tries: number) => Promise<ShipmentReply>, since: number): Promise<ShipmentReply> {
    let isCertain = true;
    for (let tries = 1; ; tries += 1) {
      try {
        return await attempt(tries);
      } catch (error) {
        const effect = effectOf(error);
        const isRefused = effect === "refused";
        if (effect === "unknown") isCertain = false;
        const isOver = performance.now() - since > giveUpMs || this.#closing.signal.aborted;
        if (!isRefused && !isOver) {
          await pause(Math.min(1_000, 20 * 2 ** tries), systemClock, this.#closing.signal);
          continue;
        }
        const options = { cause: error };
        const why = error instanceof Error ? error.message : String(error);
        if (isCertain) throw new NotStoredError(`The message was not stored: ${why}`, options);
        throw new OutcomeUnknownError(`It is not known whether the message was stored: ${why}`, options);
      }
    }
  }
}

function takeBatch(waiting: Waiting[]): readonly Waiting[] {
  let bytes = 0;
  let count = 0;
  for (const { payload } of waiting) {
    if (count === maxMessages || (count > 0 && bytes + payload.length > maxBytes)) break;
    bytes += payload.length;
    count += 1;
  }
  return waiting.splice(0, count);
}
