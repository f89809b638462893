import type { Counters } from "../counters.ts";
import type { ErrorListener } from "../error-reporter.ts";
import { type Decoded, decode, isRefusedType } from "./codec.ts";
import type { Sealing } from "./encryption.ts";

/** Reads what comes in for a node, and counts what is no message. */
export class PayloadDecoder {
  readonly #counters: Counters;
  readonly #report: ErrorListener;
  readonly #sealing: Sealing;

  constructor(counters: Counters, report: ErrorListener, sealing: Sealing) {
    this.#counters = counters;
    this.#report = report;
    this.#sealing = sealing;
  }

  /** Reads a payload, once for all members. Gives nothing for what had to be dropped, which is counted. */
  read(topic: string, sealed: Uint8Array): Decoded | undefined {
    const payload = this.#sealing.open(sealed);
    if (payload === undefined) {
      this.#counters.drop("undecryptable");
      this.#report(new Error(`What arrived on "${topic}" cannot be decrypted with the keys of this layer.`), {
        stage: "layer",
      });
      return undefined;
    }
    let decoded: Decoded;
    try {
      decoded = decode(payload);
    } catch (error) {
      this.#counters.drop("garbage");
      this.#report(new Error(`What arrived on "${topic}" is no message.`, { cause: error }), {
        stage: "layer",
      });
      return undefined;
    }
    if (!isRefusedType(decoded.message.type)) return decoded;
    this.#counters.drop("refused-type");
    return undefined;
  }
}
