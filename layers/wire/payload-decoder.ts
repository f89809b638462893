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
  decode(topic: string, payload: Uint8Array, report: ErrorListener = this.#report): Decoded | undefined {
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
    if (!isRefusedType(decoded.message.type)) return decoded;
    this.#metrics.drop("refused-type");
    return undefined;
  }

  #drop(reason: DropReason, error: Error, report: ErrorListener): undefined {
    this.#metrics.drop(reason);
    report(error, { stage: "layer" });
  }
}
