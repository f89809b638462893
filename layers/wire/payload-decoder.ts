import type { DropReason, LayerMetrics } from "../counters.ts";
import type { ErrorListener } from "../error-reporter.ts";
import { type Decoded, decode, isRefusedType } from "./codec.ts";
import type { Encryption } from "./encryption.ts";

/** Decrypts and decodes the payloads that arrive at a node. */
export class PayloadDecoder {
  readonly #encryption: Encryption;
  readonly #metrics: LayerMetrics;
  readonly #report: ErrorListener;

  constructor(encryption: Encryption, metrics: LayerMetrics, report: ErrorListener) {
    this.#encryption = encryption;
    this.#metrics = metrics;
    this.#report = report;
  }

  /** Returns undefined for a dropped payload. Counts every drop, and reports all but refused types. */
  decode(topic: string, payload: Uint8Array): Decoded | undefined {
    const decoded = this.decodeAny(topic, payload);
    return decoded !== undefined && this.refuses(decoded) ? undefined : decoded;
  }

  /** Whether the type of a message is refused. Counts the message if it is. */
  refuses({ message }: Decoded): boolean {
    const isRefused = isRefusedType(message.type);
    if (isRefused) this.#metrics.drop("refused-type");
    return isRefused;
  }

  /**
   * Like {@link decode}, but does not refuse any type.
   * @param topic the topic that the payload has to name if it names one: only its sender knows the keys.
   */
  decodeAny(topic: string, payload: Uint8Array, report: ErrorListener = this.#report): Decoded | undefined {
    const decrypted = this.#encryption.decrypt(payload);
    if (decrypted === undefined) {
      const text = `A payload on "${topic}" cannot be decrypted with the keys of this layer.`;
      return this.#drop("undecryptable", new Error(text), report);
    }
    let decoded: Decoded;
    try {
      decoded = decode(decrypted);
    } catch (cause) {
      return this.#drop("garbage", new Error(`A payload on "${topic}" is not a message.`, { cause }), report);
    }
    const { topic: named = topic } = decoded.envelope ?? {};
    if (!this.#encryption.isOn || named === topic) return decoded;
    const text = `A payload on "${topic}" was encrypted for another topic.`;
    return this.#drop("undecryptable", new Error(text), report);
  }

  #drop(reason: DropReason, error: Error, report: ErrorListener): undefined {
    this.#metrics.drop(reason);
    report(error, { stage: "layer" });
  }
}
