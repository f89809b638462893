import { asBuffer } from "../connection/as-buffer.ts";
import { atTurnEnd } from "../connection/end-of-turn.ts";
import { mostPublished } from "./stream-format.ts";

/** Adds entries to the stream of a topic, in order and in one instant, and tells who listens. */
export type PublishEntries = (topic: string, payloads: readonly Buffer[]) => Promise<unknown>;

/** How many bytes go into one call: a script keeps the server from others. One payload may have more. */
const mostBytes = 256 * 1024;

/** What goes into the stream of one topic together. */
interface Batch {
  readonly payloads: Buffer[];
  bytes: number;
  readonly sent: Promise<void>;
  send(): void;
}

/**
 * Publishes to streams: what is sent to one topic in one turn of the event loop is one call.
 *
 * The server's work for a call costs far more than for one more entry of it; see bench/layers.
 */
export class StreamPublisher {
  readonly #publish: PublishEntries;
  /** By topic, the batch that still grows. */
  readonly #batches = new Map<string, Batch>();

  constructor(publish: PublishEntries) {
    this.#publish = publish;
  }

  /** Resolves once the server has it. Rejects as the call does: then all that went along with it rejects. */
  publish(topic: string, payload: Uint8Array): Promise<void> {
    const bytes = asBuffer(payload);
    let batch = this.#batches.get(topic);
    if (batch !== undefined && batch.bytes + bytes.length > mostBytes) {
      this.#send(topic, batch);
      batch = undefined;
    }
    batch ??= this.#open(topic);
    batch.payloads.push(bytes);
    batch.bytes += bytes.length;
    if (batch.payloads.length === mostPublished) this.#send(topic, batch);
    return batch.sent;
  }

  /** Sends what waits. */
  flush(): void {
    for (const [topic, batch] of this.#batches) this.#send(topic, batch);
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
