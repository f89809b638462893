import { checkInteger, type IntegerRange } from "../../layers/check-integer.ts";
import { InvalidOptionError } from "../../layers/errors.ts";

/**
 * Options of permessage-deflate (RFC 7692), for clients that offer it. A connection takes about 0.25 MiB of
 * memory from its first compressed message on, with and without context takeover.
 */
export interface CompressionOptions {
  /**
   * Smallest message to compress, in bytes. If the server keeps its context, all messages are compressed.
   * @default 1_024
   */
  readonly threshold?: number;
  /**
   * Maximum number of messages that are compressed or inflated at once in the process. The first runtime of
   * the process that compresses sets it. @default 10
   */
  readonly concurrencyLimit?: number;
  /**
   * Whether each message to a client is compressed by itself. `false` makes similar messages smaller. But an
   * attacker that can make the server send a text, and sees the lengths, can guess earlier messages.
   * @default true
   */
  readonly serverNoContextTakeover?: boolean;
  /** Whether a client must compress each of its messages by itself. @default true */
  readonly clientNoContextTakeover?: boolean;
  /**
   * Window size for messages to clients, 9 to 15 bits: 10 takes half the memory of 15. A client that asks for
   * fewer bits is refused with 400. @default the client's choice, else 15
   */
  readonly serverMaxWindowBits?: number;
  /** Compression level, from 1 (fastest) to 9 (smallest). @default 6 */
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

/** @throws {InvalidOptionError} for an unknown option or a value out of range. */
export function resolveCompression(given: boolean | CompressionOptions) {
  if (given === false) return false;
  if (given !== true && (typeof given !== "object" || given === null)) {
    throw new InvalidOptionError(
      `\`compression\` must be true, false or an object of options, not ${JSON.stringify(given)}.`,
    );
  }
  const options: CompressionOptions = given === true ? {} : given;
  checkOptions(options);
  const { threshold = 1_024, concurrencyLimit = 10, serverMaxWindowBits, level = 6 } = options;
  // Given false, ws refuses a client that asks for the option.
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
      throw new InvalidOptionError(`There is no option "${name}" of \`compression\`. Options: ${known}.`);
    }
    const rule = rules[name as keyof CompressionOptions];
    if (value === undefined) continue;
    if (rule !== "boolean") checkInteger(`compression.${name}`, value, rule);
    else if (typeof value !== "boolean") {
      throw new InvalidOptionError(`\`compression.${name}\` must be true or false, not ${value}.`);
    }
  }
}
