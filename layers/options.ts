import type { ErrorListener } from "./error-reporter.ts";
import type { ByPattern } from "./limits-by-name.ts";
import type { EncryptionOptions } from "./wire/encryption.ts";

/** What every layer can be told, whatever it runs on. */
export interface ChannelLayerOptions {
  /**
   * Keeps apart the applications that share a server: 1 to 99 printable ASCII characters, without spaces. Nodes reach
   * each other if, and only if, they have the same one.
   */
  readonly prefix: string;
  /**
   * How many messages a named channel may hold, waiting or worked on, until sending to it rejects: one number, or one by
   * the channel's name. Each sender goes by its own.
   * @default 10_000
   */
  readonly queueCapacity?: ByPattern;
  /**
   * How long a message of a named channel may wait to be begun, in milliseconds: one number, or one by the channel's
   * name. What is older when a worker gets it is handed to nobody, gone, and counted as `expired`. Each worker goes by
   * its own; a message that was begun once is tried again however old it is, and dead letters do not expire. On Redis the
   * age is from the server's clock to that of the worker's machine, so the two should agree.
   * @default messages wait for ever
   */
  readonly queueExpiryMs?: ByPattern;
  /**
   * Hears of failures that no caller awaits: a lost connection, garbage that arrived, an inbox that threw.
   * @default a Node warning, one in five seconds at most
   */
  readonly onError?: ErrorListener;
  /**
   * Encrypts messages, as channels_redis does. What arrives and was not encrypted with one of the keys is dropped, and
   * counted as `undecryptable`.
   * @default messages go as they are
   */
  readonly encryption?: EncryptionOptions;
}

/** Who hears what becomes of a message to a named channel. Its handler is told, and has to do it. */
export interface JobAddress {
  /** The channel for it. */
  readonly replyTo?: string;
  /** What the message is called there. */
  readonly job?: string;
}

/** Who a group's message is not for. */
export interface GroupSendOptions {
  /** A channel that gets nothing, on whatever node it is: the sender's own, for "all but me". */
  readonly except?: string;
}
