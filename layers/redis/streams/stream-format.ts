import type { Position } from "../../message.ts";

/** The position of the newest entry in a group's stream. The offset is 0 if the stream has no entries yet. */
export interface Head extends Position {
  /**
   * The server's time when the entry was added, in microseconds. The stamp is part of the entry's id. If an
   * offset is used again after a failover, the new entry has another stamp.
   */
  readonly stamp: number;
}

export interface StreamEntry extends Head {
  readonly payload: Uint8Array;
}

/** The head of a stream, and the stream's entries from some offset on. Both are read atomically. */
export interface Snapshot {
  readonly head: Head;
  /** Oldest first. */
  readonly entries: readonly Omit<StreamEntry, "epoch">[];
  /** Whether more entries may follow on another page. */
  readonly hasMore: boolean;
}

export const maxEntriesPerPublication = 100;
/** Maximum length of the text before the payloads: a head, then a space and a length for each payload. */
const maxHeaderLength = 49 + maxEntriesPerPublication * 8;

/** The names of a group in Redis. All three have the same hash tag, so a cluster keeps them in one slot. */
export interface StreamNames {
  readonly stream: string;
  /** The key of the {@link Head}. The head outlives the stream, so that the epoch continues. */
  readonly head: string;
  /** Publications on this channel contain the head, the payload lengths, a line break and the payloads. */
  readonly channel: string;
}

export function streamNames(topic: string): StreamNames {
  // A space replaces a leading `}`, which would make the tag empty. Names stay unique: topics have no spaces.
  const channel = `{${topic.replace(/^\}/, " ")}}`;
  return { stream: `${channel}:stream`, head: `${channel}:head`, channel };
}

/** The key of the secret that the nodes of the layers with `prefix` share. */
export const secretKey = (prefix: string): string => `{${prefix}__secret}`;

/** Returns the topic of a channel from {@link streamNames}. Returns any other name unchanged. */
export function topicOf(channel: string): string {
  if (!channel.startsWith("{") || !channel.endsWith("}")) return channel;
  return channel.slice(1, -1).replace(/^ /, "}");
}

/** Parses the newest entry's id, a space and the epoch. Example: `42-1785000000000000 1784000000000000`. */
export function parseHead(text: string): Head | undefined {
  const [, offset, stamp, epoch] = /^(\d{1,15})-(\d{1,16}) (\d{1,16})$/.exec(text) ?? [];
  if (offset === undefined || stamp === undefined || epoch === undefined) return undefined;
  return { epoch, offset: Number(offset), stamp: Number(stamp) };
}

/** Parses the entries of a publication. Returns undefined if the bytes were not published by a layer. */
export function parsePublication(bytes: Buffer): readonly StreamEntry[] | undefined {
  const end = bytes.indexOf(0x0a);
  if (end === -1 || end > maxHeaderLength) return undefined;
  const [id, epoch, ...lengths] = bytes.toString("latin1", 0, end).split(" ");
  const head = parseHead(`${id} ${epoch}`);
  if (head === undefined || lengths.length === 0 || lengths.length > head.offset) return undefined;
  let from = end + 1;
  const entries = lengths.map((length, index): StreamEntry => {
    const payload = bytes.subarray(from, from + Number(length));
    from += Number(length);
    return { ...head, offset: head.offset - lengths.length + index + 1, payload };
  });
  return from === bytes.length && lengths.every((length) => /^\d+$/.test(length)) ? entries : undefined;
}

/** Returns undefined if the entry was not added by a layer. */
export function parseEntry(id: string, payload: Buffer | undefined): Omit<StreamEntry, "epoch"> | undefined {
  const [, offset, stamp] = /^(\d{1,15})-(\d{1,16})$/.exec(id) ?? [];
  if (offset === undefined || stamp === undefined || payload === undefined) return undefined;
  return { offset: Number(offset), stamp: Number(stamp), payload };
}
