import type { LayerMetrics } from "./counters.ts";
import { QueueFullError } from "./errors.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { Message } from "./message.ts";
import { checkChannel } from "./names.ts";
import type { GroupSendOptions, JobAddress } from "./options.ts";
import type { LayerTracer, SendOperation, TraceContext } from "./tracing.ts";
import { type Envelope, encode } from "./wire/codec.ts";
import type { Encryption } from "./wire/encryption.ts";

/** A message that is about to be sent. */
export interface OutgoingMessage {
  readonly operation: SendOperation;
  /** The name of the group or channel. */
  readonly destination: string;
  /** The topic that the payload names if it is encrypted. */
  readonly topic: string;
  readonly message: object;
  readonly envelope?: Envelope | undefined;
}

/** The envelope of a group's message. @throws {InvalidNameError} for an invalid channel. */
export function groupEnvelope({ except, id }: GroupSendOptions = {}): Envelope | undefined {
  if (except !== undefined) checkChannel(except);
  if (id === undefined) return except === undefined ? undefined : { except };
  return except === undefined ? { id } : { except, id };
}

/** The envelope of a job. @throws {InvalidNameError} for an invalid channel. */
export function jobEnvelope({ once: _, ...envelope }: JobAddress): Envelope {
  if (envelope.replyTo !== undefined) checkChannel(envelope.replyTo);
  return envelope;
}

/** Encodes, encrypts and transmits the messages of one node, and counts the outcomes. */
export class MessageSender {
  /** Undefined unless messages are traced. */
  tracer: LayerTracer | undefined;
  readonly #lifecycle: Lifecycle;
  readonly #encryption: Encryption;
  readonly #metrics: LayerMetrics;

  constructor(lifecycle: Lifecycle, encryption: Encryption, metrics: LayerMetrics) {
    this.#lifecycle = lifecycle;
    this.#encryption = encryption;
    this.#metrics = metrics;
  }

  /** Encodes the message immediately, and transmits the payload once the layer is open. */
  send(outgoing: OutgoingMessage, transmit: (payload: Uint8Array) => Promise<void>): Promise<void> {
    const { tracer } = this;
    if (tracer === undefined) return this.#send(outgoing, transmit);
    const { operation, destination, message } = outgoing;
    return tracer.send(operation, destination, (message as Partial<Message>).type, (trace) =>
      this.#send(outgoing, transmit, trace),
    );
  }

  #send(
    { message, envelope, topic }: OutgoingMessage,
    transmit: (payload: Uint8Array) => Promise<void>,
    trace?: TraceContext,
  ): Promise<void> {
    // Encoded before the layer is open, because the sender may change its message meanwhile.
    const sent = this.#encryption.isOn ? { ...envelope, topic } : envelope;
    const payload = this.#encryption.encrypt(encode(message, sent, trace));
    const startedAt = this.#metrics.meter === undefined ? undefined : performance.now();
    return this.#count(
      this.#lifecycle.send(() => transmit(payload)),
      startedAt,
    );
  }

  async #count(sending: Promise<void>, startedAt: number | undefined): Promise<void> {
    try {
      await sending;
    } catch (error) {
      this.#metrics.drop(error instanceof QueueFullError ? "queue-full" : "unavailable");
      throw error;
    }
    this.#metrics.published += 1;
    if (startedAt !== undefined) this.#metrics.meter?.published(performance.now() - startedAt);
  }
}
