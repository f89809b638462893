import type { JobNumber } from "./backend.ts";
import type { ErrorListener } from "./error-reporter.ts";
import type { ByPattern } from "./limits-by-name.ts";
import type { EncryptionOptions } from "./wire/encryption.ts";

/** The options of every layer. */
export interface ChannelLayerOptions {
  /**
   * Separates applications that share a server: 1 to 99 printable ASCII characters, without spaces. Nodes
   * reach each other only if their prefixes are equal.
   */
  readonly prefix: string;
  /**
   * The maximum number of messages in a named channel, including those being processed. If the channel is
   * full, `send` rejects. Set one number for all channels, or numbers by channel name. Each sending node uses
   * its own value.
   * @default 10_000
   */
  readonly queueCapacity?: ByPattern;
  /**
   * The time that a message of a named channel may wait for its first delivery, in milliseconds: one number
   * for all channels, or numbers by channel name. A worker removes an older message without a call of the
   * handler, calls `onExpired`, and counts the message as `expired`. Each worker uses its own value. Once a
   * handler has been called with a message, the message is retried at any age. Dead letters do not expire. On
   * Redis, the server's clock alone measures the age, with the command TIME.
   * @default messages never expire
   */
  readonly queueExpiryMs?: ByPattern;
  /**
   * Receives failures that no caller awaits: a lost connection, an invalid payload, an inbox that threw.
   * @default a Node warning, at most one per five seconds
   */
  readonly onError?: ErrorListener;
  /**
   * Whether the layer reports the errors that handlers of jobs, inboxes and `onError` leave behind: uncaught
   * errors in a timer, or in a promise that is not awaited. If `false`, such an error ends the process. If
   * `true`, an open layer listens to `uncaughtException` and `unhandledRejection` of the process. Other errors
   * keep their usual effect. A runtime with `ownAsyncErrors: false` sets the option of its layers to `false`.
   * @default true
   */
  readonly ownAsyncErrors?: boolean;
  /**
   * Encrypts messages, in the format of channels_redis. A payload that was not encrypted with one of the keys
   * is dropped and counted as `undecryptable`.
   * @default messages are not encrypted
   */
  readonly encryption?: EncryptionOptions;
}

/** The address for the outcome of a message to a named channel. The handler has to send the outcome there. */
export interface JobAddress {
  /** The channel for the outcome. */
  readonly replyTo?: string;
  /** The id that the sender gave to the message. The reply should contain this id. */
  readonly job?: string;
  /** @internal Adds the message once, even if `send` is repeated. */
  readonly once?: JobNumber;
}

/** Excludes a recipient from a group's message. */
export interface GroupSendOptions {
  /** A channel, on any node, that does not receive the message: usually the sender's own. */
  readonly except?: string;
  /** @internal Names a message that may be sent twice: see {@link Delivery.id}. */
  readonly id?: string;
}
