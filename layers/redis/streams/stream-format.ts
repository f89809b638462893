import type { Position } from "../../message.ts";

/** Where a group's stream ends: its newest entry, or offset 0 where it has none yet. */
export interface Head extends Position {
  /**
   * The server's clock when the entry was added, in microseconds. Together with the offset it is the entry's id: an
   * offset that comes again after a failover has another one.
   */
  readonly stamp: number;
}

/** One entry of a stream, read from it or as its publication told. */
export interface StreamEntry extends Head {
  readonly payload: Uint8Array;
}

/** What a stream holds from some offset on, and where it ends, both read in one instant. */
export interface Snapshot {
  readonly head: Head;
  /** Oldest first. */
  readonly entries: readonly Omit<StreamEntry, "epoch">[];
  /** Whether there may be more after the last of `entries`, which is left for another page. */
  readonly hasMore: boolean;
}

/** How many entries one publication may tell of. */
export const maxEntriesPerPublication = 100;
/** How many characters stand before the payloads, at most: a head, and each payload's length after a space. */
const maxHeaderLength = 49 + maxEntriesPerPublication * 8;

/** What one group is called in Redis. The hash tag keeps the three of them in one slot of a cluster. */
export interface StreamNames {
  readonly stream: string;
  /** Its {@link Head}, as text. It outlives the stream, so that one that has expired begins no new epoch. */
  readonly head: string;
  /** Where publications are told: the head and the lengths of the payloads, a line break, the payloads. */
  readonly channel: string;
}

export function streamNames(topic: string): StreamNames {
  // An empty tag would be none. No topic holds a space, so two of them never get one name.
  const channel = `{${topic.replace(/^\}/, " ")}}`;
  return { stream: `${channel}:stream`, head: `${channel}:head`, channel };
}

/** The topic that {@link streamNames} gave `channel` for, or the name itself where it is that of no stream. */
export function topicOf(channel: string): string {
  if (!channel.startsWith("{") || !channel.endsWith("}")) return channel;
  return channel.slice(1, -1).replace(/^ /, "}");
}

/** A head as text is the id of the newest entry, and the epoch: `42-1785000000000000 1784000000000000`. */
export function parseHead(text: string): Head | undefined {
  const [, offset, stamp, epoch] = /^(\d{1,15})-(\d{1,16}) (\d{1,16})$/.exec(text) ?? [];
  if (offset === undefined || stamp === undefined || epoch === undefined) return undefined;
  return { epoch, offset: Number(offset), stamp: Number(stamp) };
}

/** The entries that one publication tells of, of which its head is that of the last; nothing for what no layer has published. */
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

/** Gives nothing for an entry that no layer has added. */
export function parseEntry(id: string, payload: Buffer | undefined): Omit<StreamEntry, "epoch"> | undefined {
  const [, offset, stamp] = /^(\d{1,15})-(\d{1,16})$/.exec(id) ?? [];
  if (offset === undefined || stamp === undefined || payload === undefined) return undefined;
  return { offset: Number(offset), stamp: Number(stamp), payload };
}
