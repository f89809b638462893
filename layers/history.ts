import type { Backend, HistoryQuery, StoredHistory } from "./backend.ts";
import { checkInteger } from "./check-integer.ts";
import { InvalidOptionError, UnsupportedError } from "./errors.ts";
import type { Mail, Position } from "./message.ts";
import { idIn } from "./wire/codec.ts";
import type { PayloadDecoder } from "./wire/payload-decoder.ts";

/** Selects part of a group's history. */
export interface HistoryOptions {
  /** The maximum number of messages. If there are more, the newest are returned. @default 100 */
  readonly limit?: number;
  /** Selects the messages after a position, or after an offset in the current epoch. @default all messages */
  readonly since?: Position | number;
}

/** A message of a history, and its delivery. */
export interface HistoryEntry extends Mail {
  /** The channel that did not receive the message. Absent if the message was sent without `except`. */
  readonly except?: string;
}

/** Part of a group's history. */
export interface GroupHistory {
  /** Messages as they were delivered, oldest first. */
  readonly entries: readonly HistoryEntry[];
  /** The newest message's position, even if that message is no longer stored. Undefined without a history. */
  readonly position: Position | undefined;
  /**
   * Whether `entries` holds every message sent after `since`. False if some of them are no longer stored or
   * exceed `limit`, or if `since` belongs to another epoch. True if `since` is undefined.
   */
  readonly complete: boolean;
}

/**
 * Returns a function that reads the history of `group`.
 *
 * @throws {InvalidOptionError} if `limit` is not a positive integer, or `since` is not a position.
 * @throws {UnsupportedError} if the backend keeps no history.
 */
export function historyReader(
  group: string,
  topic: string,
  options: HistoryOptions,
  { history }: Backend,
  decoder: PayloadDecoder,
): () => Promise<GroupHistory> {
  const query = checkHistoryOptions(options);
  if (history === undefined) {
    throw new UnsupportedError(
      "This layer keeps no history. Use RedisStreamsLayer, or MemoryLayer with `history: true`.",
    );
  }
  return async () => decodeHistory(await history.read(topic, query), group, topic, decoder);
}

function checkHistoryOptions({ limit = 100, since }: HistoryOptions): HistoryQuery {
  checkInteger("limit", limit);
  if (since === undefined || isOffset(since) || isPosition(since)) return { limit, since };
  throw new InvalidOptionError(
    "`since` is neither an offset (an integer of at least 0) nor the position of a delivery: { offset, epoch }.",
  );
}

/** Decodes the stored payloads of `group`. Entries that are not messages are left out and counted. */
function decodeHistory(
  { entries, position, complete }: StoredHistory,
  group: string,
  topic: string,
  decoder: PayloadDecoder,
): GroupHistory {
  const readable = entries.flatMap((entry): HistoryEntry[] => {
    const decoded = decoder.decode(topic, entry.payload);
    if (decoded === undefined) return [];
    const { message, envelope } = decoded;
    const delivery = Object.freeze({ group, ...entry.position, ...idIn(envelope) });
    const except = envelope?.except;
    // The payload may come from another program, so the type of `except` is not certain.
    const exclusion = typeof except === "string" ? { except } : undefined;
    return [Object.freeze({ message, delivery, ...exclusion })];
  });
  return { entries: readable, position, complete };
}

/** A position may come from storage or from a client, so its type has to be checked. */
function isPosition(value: unknown): boolean {
  if (typeof value !== "object" || value === null || !("offset" in value && "epoch" in value)) return false;
  return isOffset(value.offset) && typeof value.epoch === "string";
}

function isOffset(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
