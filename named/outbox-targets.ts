import type { ChannelLayer } from "../layers/channel-layer.ts";
import { QueueFullError } from "../layers/errors.ts";
import type { LayerState } from "../layers/layer-state.ts";
import type { Message } from "../layers/message.ts";
import type { Partition } from "../layers/state-backend.ts";
import type { ShipmentOptions } from "./kind-options.ts";
import type { OutboxEntry, RelayTargets } from "./owner/outbox-relay.ts";
import type { Answer, OutboxRecord } from "./records.ts";

/** A kind, as its outboxes and those of other kinds see it. */
export interface OutboxKind {
  readonly kind: string;
  readonly layer: ChannelLayer;
  readonly state: LayerState;
  readonly shipment: ShipmentOptions;
  open(): Promise<void>;
  mailOf(key: string, message: Message): Uint8Array;
  partitionOf(key: string): Partition;
  sendAnswer(ask: string, answer: Answer): Promise<void>;
  /** The store has lost messages that it had acknowledged. */
  lost(partition: Partition, messages: number): void;
}

/** Finds the layers and kinds to which named actors send. */
export interface OutboxDirectory {
  /** @throws {UnknownLayerError} */
  layer(alias: string | undefined): ChannelLayer;
  /** @throws {NamedKindError} */
  kind(name: string): OutboxKind;
}

/** The numbers of delivered messages, by the partition that has taken them. Older ones are forgotten. */
type Delivered = Map<string, number[]>;
const maxRemembered = 100;

/** Delivers the outboxes of partitions. */
export class OutboxTargets {
  readonly #directory: OutboxDirectory;

  constructor(directory: OutboxDirectory) {
    this.#directory = directory;
  }

  of(kind: OutboxKind, { index }: Partition): Pick<RelayTargets, "targetOf" | "deliver"> {
    const source = `${kind.kind}.${index}`;
    const delivered: Delivered = new Map();
    return {
      targetOf: (record) => this.#targetOf(record),
      deliver: (entry) => this.#deliver(kind, source, entry, delivered),
    };
  }

  #targetOf(record: OutboxRecord): string {
    switch (record.t) {
      case "answer":
        return `answer ${record.ask.split(" ")[0]}`;
      case "group":
        return `group ${record.layer} ${record.group}`;
      case "submit":
        return `submit ${record.layer} ${record.channel}`;
      default:
        return `tell ${record.kind} ${this.#partitionOf(record)}`;
    }
  }

  #partitionOf({ kind, key }: Extract<OutboxRecord, { readonly t: "tell" }>): number | undefined {
    try {
      return this.#directory.kind(kind).partitionOf(key).index;
    } catch {
      return undefined;
    }
  }

  async #deliver(
    kind: OutboxKind,
    source: string,
    { number, record }: OutboxEntry,
    delivered: Delivered,
  ): Promise<void> {
    const id = `${source}.${number}`;
    switch (record.t) {
      case "answer":
        return kind.sendAnswer(record.ask, record.answer);
      case "group":
        return this.#layerOf(kind, record.layer).groupSend(record.group, record.message, { id });
      case "submit": {
        const layer = this.#layerOf(kind, record.layer);
        return layer.send(record.channel, record.message, { job: id, once: { sender: source, number } });
      }
      default:
        return this.#tell(source, number, record, delivered);
    }
  }

  async #tell(
    source: string,
    number: number,
    { kind: name, key, message }: Extract<OutboxRecord, { readonly t: "tell" }>,
    delivered: Delivered,
  ): Promise<void> {
    const kind = this.#directory.kind(name);
    const payload = kind.mailOf(key, message);
    const messages = [{ key, number, payload, isAsk: false }];
    const shipment = { sender: `outbox ${source}`, messages, ...kind.shipment, stopAtFull: true };
    await kind.open();
    const partition = kind.partitionOf(key);
    const { outcomes, known } = await kind.state.run((backend) => backend.ship(partition, shipment));
    const target = `${name} ${partition.index}`;
    const earlier = delivered.get(target) ?? [];
    const kept = earlier.filter((number) => number <= known);
    if (kept.length < earlier.length) kind.lost(partition, earlier.length - kept.length);
    const isFull = outcomes[0] === "full";
    delivered.set(target, [...kept.slice(-maxRemembered), ...(isFull ? [] : [number])]);
    if (isFull) throw new QueueFullError(`The mailbox of "${name}" ${JSON.stringify(key)} is full.`);
  }

  #layerOf(kind: OutboxKind, alias: string | undefined): ChannelLayer {
    return alias === undefined ? kind.layer : this.#directory.layer(alias);
  }
}
