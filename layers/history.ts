import type { HistoryQuery, StoredHistory } from "./backend.ts";
import { checkInteger } from "./check-integer.ts";
import { InvalidOptionError } from "./errors.ts";
import type { Mail, Position } from "./message.ts";
import type { PayloadDecoder } from "./wire/payload-decoder.ts";

/** Which part of a group's history is wanted. */
export interface HistoryOptions {
  /** How many messages at most: the newest. @default 100 */
  readonly limit?: number;
  /** Only what came after this place. A number is an offset of whatever epoch there is now. @default the beginning */
  readonly since?: Position | number;
}

/** Part of a group's history. */
export interface GroupHistory {
  /** As they were delivered, oldest first. */
  readonly entries: readonly Mail[];
  /** The place of the newest message, whether or not it can still be read; undefined for a group without history. */
  readonly position: Position | undefined;
  /**
   * Whether nothing that was sent after `since` is missing from `entries`. False if some of it is gone, did not fit
   * into `limit`, or belongs to another epoch. True where no `since` was given.
   */
  readonly complete: boolean;
}

/** @throws {InvalidOptionError} for a limit that is not a positive integer, or a `since` that is not a position. */
export function checkHistoryOptions({ limit = 100, since }: HistoryOptions): HistoryQuery {
  checkInteger("limit", limit);
  if (since === undefined || isOffset(since) || isPosition(since)) return { limit, since };
  throw new InvalidOptionError(
    "`since` is an offset, an integer from 0 up, or a position, { offset, epoch }, as deliveries have it.",
  );
}

/** Decodes the stored payloads of `group`. Entries that are not messages are left out and counted. */
export function decodeHistory(
  { entries, position, complete }: StoredHistory,
  group: string,
  topic: string,
  decoder: PayloadDecoder,
): GroupHistory {
  const mails = entries.flatMap((entry): Mail[] => {
    const decoded = decoder.decode(topic, entry.payload);
    if (decoded === undefined) return [];
    const delivery = Object.freeze({ group, ...entry.position });
    return [Object.freeze({ message: decoded.message, delivery })];
  });
  return { entries: mails, position, complete };
}

/** A position may come from storage or from a client, so its type cannot be trusted. */
function isPosition(value: unknown): boolean {
  if (typeof value !== "object" || value === null || !("offset" in value && "epoch" in value)) return false;
  return isOffset(value.offset) && typeof value.epoch === "string";
}

function isOffset(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
