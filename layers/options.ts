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
   * The maximum number of messages in a named channel, waiting or being processed; further sends reject. One
   * number, or one by channel name. Each sender applies its own value.
   * @default 10_000
   */
  readonly queueCapacity?: ByPattern;
  /**
   * How long a message of a named channel may wait for its first delivery, in milliseconds: one number, or
   * one by channel name. A worker removes an older message without a handler and counts it as `expired`. Each
   * worker applies its own value. A message that was begun once is retried at any age, and dead letters do
   * not expire. On Redis, the age is the difference between the clocks of the server and of the worker's
   * machine, so the two should agree.
   * @default messages never expire
   */
  readonly queueExpiryMs?: ByPattern;
  /**
   * Receives failures that no caller awaits: a lost connection, an invalid payload, an inbox that threw.
   * @default a Node warning, at most one per five seconds
   */
  readonly onError?: ErrorListener;
  /**
   * Encrypts messages, in the format of channels_redis. A payload that was not encrypted with one of the keys
   * is dropped and counted as `undecryptable`.
   * @default messages are not encrypted
   */
  readonly encryption?: EncryptionOptions;
}

/** The address for the outcome of a message to a named channel. The handler receives it and has to reply. */
export interface JobAddress {
  /** The channel for the outcome. */
  readonly replyTo?: string;
  /** The id of the message in that report. */
  readonly job?: string;
}

/** Excludes a recipient from a group's message. */
export interface GroupSendOptions {
  /** A channel, on any node, that does not receive the message: usually the sender's own. */
  readonly except?: string;
}
