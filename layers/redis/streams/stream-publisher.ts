import { atTurnEnd } from "../connection/end-of-turn.ts";
import { maxEntriesPerPublication } from "./stream-format.ts";

/** Adds entries to the stream of a topic, in order and atomically, and publishes them. */
export type PublishEntries = (topic: string, payloads: readonly Buffer[]) => Promise<unknown>;

/** Maximum bytes of a batch with several payloads. Larger batches would delay other clients. */
const maxBatchBytes = 256 * 1024;

interface Batch {
  readonly payloads: Buffer[];
  bytes: number;
  readonly sent: Promise<void>;
  send(): void;
}

/**
 * Collects the payloads that are published to one topic in one turn of the event loop, and sends them in one
 * call. A second call costs the server far more time than a second entry in one call; see bench/layers.
 */
export class StreamPublisher {
  readonly #publish: PublishEntries;
  readonly #batches = new Map<string, Batch>();

  constructor(publish: PublishEntries) {
    this.#publish = publish;
  }

  /** Resolves once the server has stored the payload. If that fails, every `publish` of the batch rejects. */
  publish(topic: string, payload: Uint8Array): Promise<void> {
    const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
    let batch = this.#batches.get(topic);
    if (batch !== undefined && batch.bytes + bytes.length > maxBatchBytes) {
      this.#send(topic, batch);
      batch = undefined;
    }
    batch ??= this.#open(topic);
    batch.payloads.push(bytes);
    batch.bytes += bytes.length;
    if (batch.payloads.length === maxEntriesPerPublication) this.#send(topic, batch);
    return batch.sent;
  }

  /** Sends the payloads of `topic`, or of all topics, before the end of the turn. */
  flush(topic?: string): void {
    for (const [each, batch] of this.#batches)
      if (topic === undefined || each === topic) this.#send(each, batch);
  }

  #open(topic: string): Batch {
    if (this.#batches.size === 0) atTurnEnd(() => this.flush());
    let send = () => {};
    const payloads: Buffer[] = [];
    const sent = new Promise<void>((resolve, reject) => {
      send = () => this.#publish(topic, payloads).then(() => resolve(), reject);
    });
    const batch = { payloads, bytes: 0, sent, send };
    this.#batches.set(topic, batch);
    return batch;
  }

  #send(topic: string, batch: Batch): void {
    this.#batches.delete(topic);
    batch.send();
  }
}
