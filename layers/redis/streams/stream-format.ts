import type { Position } from "../../message.ts";

/** The end of a group's stream: its newest entry, or offset 0 if it has none yet. */
export interface Head extends Position {
  /**
   * The server's clock when the entry was added, in microseconds. It is part of the entry's id, so an offset
   * that is reused after a failover has another stamp.
   */
  readonly stamp: number;
}

/** One entry of a stream. */
export interface StreamEntry extends Head {
  readonly payload: Uint8Array;
}

/** The entries of a stream from some offset on, and its head, read atomically. */
export interface Snapshot {
  readonly head: Head;
  /** Oldest first. */
  readonly entries: readonly Omit<StreamEntry, "epoch">[];
  /** Whether more entries may follow on another page. */
  readonly hasMore: boolean;
}

export const maxEntriesPerPublication = 100;
/** Maximum length of the text before the payloads: a head, and each payload's length after a space. */
const maxHeaderLength = 49 + maxEntriesPerPublication * 8;

/** The names of one group in Redis. Their hash tag keeps all three in one slot of a cluster. */
export interface StreamNames {
  readonly stream: string;
  /** The key of the {@link Head}. It outlives the stream, so that the epoch continues after an expiry. */
  readonly head: string;
  /** The channel of publications: the head and the lengths of the payloads, a line break, the payloads. */
  readonly channel: string;
}

export function streamNames(topic: string): StreamNames {
  // Redis ignores an empty tag. Topics contain no spaces, so no two topics share a name.
  const channel = `{${topic.replace(/^\}/, " ")}}`;
  return { stream: `${channel}:stream`, head: `${channel}:head`, channel };
}

/** Reverses {@link streamNames}. Returns any other name unchanged. */
export function topicOf(channel: string): string {
  if (!channel.startsWith("{") || !channel.endsWith("}")) return channel;
  return channel.slice(1, -1).replace(/^ /, "}");
}

/** Parses the id of the newest entry and the epoch: `42-1785000000000000 1784000000000000`. */
export function parseHead(text: string): Head | undefined {
  const [, offset, stamp, epoch] = /^(\d{1,15})-(\d{1,16}) (\d{1,16})$/.exec(text) ?? [];
  if (offset === undefined || stamp === undefined || epoch === undefined) return undefined;
  return { epoch, offset: Number(offset), stamp: Number(stamp) };
}

/** Parses the entries of a publication. Returns undefined for bytes that were not published by a layer. */
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

/** Returns undefined for an entry that was not added by a layer. */
export function parseEntry(id: string, payload: Buffer | undefined): Omit<StreamEntry, "epoch"> | undefined {
  const [, offset, stamp] = /^(\d{1,15})-(\d{1,16})$/.exec(id) ?? [];
  if (offset === undefined || stamp === undefined || payload === undefined) return undefined;
  return { offset: Number(offset), stamp: Number(stamp), payload };
}
