import type { HistoryBackend } from "./backend.ts";
import { UnsupportedError } from "./errors.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { Mail, Position } from "./message.ts";
import type { PayloadDecoder } from "./wire/payload-decoder.ts";
import type { Topics } from "./wire/topics.ts";

/** Which part of a group's history is wanted. */
export interface HistoryOptions {
  /** How many messages at most: the newest. @default 100 */
  readonly limit?: number;
  /** Only what came after this place. A number is an offset of whatever epoch there is now. @default the beginning */
  readonly since?: Position | number;
}

/** Part of a group's history. */
export interface History {
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

/** Reads what a backend has kept of groups, as it was delivered. */
export class HistoryReader {
  readonly #backend: HistoryBackend | undefined;
  readonly #topics: Topics;
  readonly #lifecycle: Lifecycle;
  readonly #reader: PayloadDecoder;

  constructor(
    backend: HistoryBackend | undefined,
    topics: Topics,
    lifecycle: Lifecycle,
    reader: PayloadDecoder,
  ) {
    this.#backend = backend;
    this.#topics = topics;
    this.#lifecycle = lifecycle;
    this.#reader = reader;
  }

  /**
   * @throws {RangeError} if the limit is no positive integer, or `since` no place.
   * @throws {UnsupportedError} if the layer keeps no history.
   */
  async read(group: string, { limit = 100, since }: HistoryOptions): Promise<History> {
    if (!Number.isSafeInteger(limit) || limit < 1) throw new RangeError("A limit is a positive integer.");
    checkSince(since);
    const backend = this.#backend;
    if (backend === undefined) {
      throw new UnsupportedError("This layer keeps no history: RedisStreamsLayer and MemoryLayer do.");
    }
    const topic = this.#topics.group(group);
    const { entries, position, complete } = await this.#lifecycle.run(() =>
      backend.read(topic, { limit, since }),
    );
    const mails = entries.flatMap((entry): Mail[] => {
      const decoded = this.#reader.read(topic, entry.payload);
      if (decoded === undefined) return [];
      const delivery = Object.freeze({ group, ...entry.position });
      return [Object.freeze({ message: decoded.message, delivery })];
    });
    return { entries: mails, position, complete };
  }
}

/** Others may have written it down in between, or sent it. */
function checkSince(since: unknown): void {
  if (since === undefined || isOffset(since)) return;
  if (typeof since === "object" && since !== null && "offset" in since && "epoch" in since) {
    if (isOffset(since.offset) && typeof since.epoch === "string") return;
  }
  throw new RangeError(
    "`since` is an offset, an integer from 0 up, or a position, { offset, epoch }, as deliveries have it.",
  );
}

function isOffset(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
