import { checkInteger, type IntegerRange } from "../../layers/check-integer.ts";
import { InvalidOptionError } from "../../layers/errors.ts";

/**
 * How messages are compressed for clients that offer it (permessage-deflate, RFC 7692). Each connection over
 * which a compressed message has gone takes about 0.25 MiB of memory, with and without context takeover.
 */
export interface CompressionOptions {
  /** Bytes of the smallest message that is compressed; with the server's context, all are. @default 1_024 */
  readonly threshold?: number;
  /**
   * Messages compressed or inflated at a time. The first runtime of a process that compresses decides.
   * @default 10
   */
  readonly concurrencyLimit?: number;
  /**
   * Whether each message to a client is compressed by itself. `false` makes similar messages smaller; but an
   * attacker who can have a text sent to a client, and sees the lengths, can guess at what was sent before.
   * @default true
   */
  readonly serverNoContextTakeover?: boolean;
  /** Whether a client must compress each of its messages by itself. @default true */
  readonly clientNoContextTakeover?: boolean;
  /**
   * Bits of the window that messages to clients are compressed with, 9 to 15: 10 takes half the memory of 15.
   * A client that asks for fewer is refused with 400. @default what the client asks for, else 15
   */
  readonly serverMaxWindowBits?: number;
  /** From 1, the fastest, to 9, the smallest. @default 6 */
  readonly level?: number;
}

const maxInt32 = 2 ** 31 - 1;
const rules: Readonly<Record<keyof CompressionOptions, IntegerRange | "boolean">> = {
  threshold: { min: 0, max: maxInt32 },
  concurrencyLimit: { max: maxInt32 },
  serverNoContextTakeover: "boolean",
  clientNoContextTakeover: "boolean",
  serverMaxWindowBits: { min: 9, max: 15 },
  level: { max: 9 },
};

/** @throws {InvalidOptionError} for an unknown option, and for a value out of range. */
export function resolveCompression(given: boolean | CompressionOptions) {
  if (given === false) return false;
  if (given !== true && (typeof given !== "object" || given === null)) {
    throw new InvalidOptionError(
      `\`compression\` must be true, false or options, not ${JSON.stringify(given)}.`,
    );
  }
  const options: CompressionOptions = given === true ? {} : given;
  checkOptions(options);
  const { threshold = 1_024, concurrencyLimit = 10, serverMaxWindowBits, level = 6 } = options;
  // With false, ws refuses a client that asks for it.
  const unlessFalse = (value: boolean | undefined) => (value === false ? undefined : true);
  return {
    threshold,
    concurrencyLimit,
    serverMaxWindowBits,
    serverNoContextTakeover: unlessFalse(options.serverNoContextTakeover),
    clientNoContextTakeover: unlessFalse(options.clientNoContextTakeover),
    zlibDeflateOptions: { level },
  };
}

function checkOptions(options: CompressionOptions): void {
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(rules, name)) {
      const known = Object.keys(rules).join(", ");
      throw new InvalidOptionError(`There is no option "${name}" of compression. There are: ${known}.`);
    }
    const rule = rules[name as keyof CompressionOptions];
    if (value === undefined) continue;
    if (rule !== "boolean") checkInteger(`compression.${name}`, value, rule);
    else if (typeof value !== "boolean") {
      throw new InvalidOptionError(`\`compression.${name}\` must be true or false, not ${value}.`);
    }
  }
}
