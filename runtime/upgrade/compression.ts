/**
 * How messages are compressed for clients that offer it (permessage-deflate, RFC 7692). It costs about 0.25 MiB of memory for
 * each connection over which a compressed message has gone, whatever is taken over.
 */
export interface CompressionOptions {
  /** Bytes of the smallest message that is compressed. If the server's context is taken over, all are. @default 1_024 */
  readonly threshold?: number;
  /** How many messages are compressed or inflated at a time. The first runtime of a process that compresses decides. @default 10 */
  readonly concurrencyLimit?: number;
  /**
   * Whether each message to a client is compressed by itself. `false` makes similar messages smaller, and lets whoever can have
   * text of theirs sent, and see lengths, guess at what was sent before.
   * @default true
   */
  readonly serverNoContextTakeover?: boolean;
  /** Whether a client must compress each of its messages by itself. @default true */
  readonly clientNoContextTakeover?: boolean;
  /**
   * Bits of the window that messages to clients are compressed with, 9 to 15: 10 takes half the memory of 15. A client that
   * asks for fewer is refused with 400. @default what the client asks for, else 15
   */
  readonly serverMaxWindowBits?: number;
  /** From 1, the quickest, to 9, the smallest. @default 6 */
  readonly level?: number;
}

const switches = ["serverNoContextTakeover", "clientNoContextTakeover"];
const ranges: Readonly<Record<string, readonly [lowest: number, highest: number]>> = {
  threshold: [0, 2 ** 31 - 1],
  concurrencyLimit: [1, 2 ** 31 - 1],
  serverMaxWindowBits: [9, 15],
  level: [1, 9],
};

/**
 * What ws is to do: false, or its own options.
 *
 * @throws {RangeError} for an option that there is not, and for a value that makes no sense.
 */
export function resolveCompression(given: boolean | CompressionOptions) {
  if (given === false) return false;
  if (given !== true && (typeof given !== "object" || given === null)) {
    throw new RangeError(`compression is ${JSON.stringify(given)}; it must be true, false or options.`);
  }
  const options: CompressionOptions = given === true ? {} : given;
  check(options);
  const { threshold = 1_024, concurrencyLimit = 10, serverMaxWindowBits, level = 6 } = options;
  // For ws, false would mean that a client that asks for it cannot connect.
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

export type ResolvedCompression = ReturnType<typeof resolveCompression>;

function check(given: CompressionOptions): void {
  for (const [name, value] of Object.entries(given)) {
    const range = Object.hasOwn(ranges, name) ? ranges[name] : undefined;
    if (!range && !switches.includes(name)) {
      const known = [...Object.keys(ranges), ...switches].join(", ");
      throw new RangeError(`There is no option "${name}" of compression. There are: ${known}.`);
    }
    if (value === undefined) continue;
    if (!range) {
      if (typeof value !== "boolean") throw new RangeError(`${name} is ${value}; it must be true or false.`);
    } else if (!Number.isInteger(value) || value < range[0] || value > range[1]) {
      throw new RangeError(`${name} is ${value}; it must be a whole number from ${range.join(" to ")}.`);
    }
  }
}
