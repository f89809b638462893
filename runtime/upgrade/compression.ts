import { checkInteger, type IntegerRange } from "../../layers/check-integer.ts";
import { InvalidOptionError } from "../../layers/errors.ts";

/**
 * Options of permessage-deflate (RFC 7692), for clients that offer it. After its first compressed message, a
 * connection keeps about 0.25 MiB of memory, with or without context takeover.
 */
export interface CompressionOptions {
  /**
   * Smallest message to compress, in bytes. If `serverNoContextTakeover` is false, every message is
   * compressed. @default 1_024
   */
  readonly threshold?: number;
  /**
   * Maximum number of messages that are compressed or inflated at a time in the process. The value of the
   * first runtime that uses compression applies to the whole process. @default 10
   */
  readonly concurrencyLimit?: number;
  /**
   * Whether each message to a client is compressed independently of earlier messages. With `false`, similar
   * messages become smaller. But then attackers can guess earlier messages, by making the server send chosen
   * text and observing the lengths of the compressed messages. @default true
   */
  readonly serverNoContextTakeover?: boolean;
  /** Whether a client must compress each message independently of its earlier messages. @default true */
  readonly clientNoContextTakeover?: boolean;
  /**
   * Window size for messages to clients, in bits, from 9 to 15. 10 bits take half the memory of 15. A client
   * that asks for fewer bits than this is refused with 400. @default the number in the client's offer, or 15
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
  // If ws got `false`, it would refuse each client whose offer contains the parameter.
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
