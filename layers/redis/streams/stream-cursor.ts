import type { Position } from "../../message.ts";
import type { Head, Snapshot, StreamEntry } from "./stream-format.ts";

/** Receives what a cursor finds, in the order of the stream. */
export interface CursorListener {
  payload(payload: Uint8Array, position: Position): void;
  /** Entries are lost at this place: those of `range`, if that is known. */
  gap(range?: { readonly from: number; readonly to: number }): void;
}

/** How many entries, and how many bytes of them, are held back while the stream is read. */
const maxHeld = { entries: 128, bytes: 1024 * 1024 };
/** How often a connection may break with entries held, before the stream can be read; after that it is a gap. */
const maxDropped = 16;

/**
 * One reader's place in a stream. From publications and from snapshots of the stream it delivers each entry once, in
 * order, or a gap.
 *
 * Usually it is in step: each publication follows the last. Any other (after a hole, of another epoch, with an offset that
 * comes again) puts it out of step: it then holds publications back until a {@link snapshot} shows what the stream
 * contains. It has no clock and no connection.
 */
export class StreamCursor {
  readonly #listener: CursorListener;
  /** The newest entry that was delivered, or is known to come before the first that will be. */
  #last: Head | undefined;
  #isInStep = true;
  /** Whether the next snapshot was asked for after everything that put this cursor out of step. */
  #isAsked = false;
  #held: StreamEntry[] = [];
  #heldBytes = 0;
  /** How many of them were held when the next snapshot was asked for. */
  #heldBefore = 0;
  /** The newest offset published on this connection. Entries from it to the last one came from the stream. */
  #lastPublished = 0;
  /** The last gap covers everything that is missing up to this offset. */
  #coveredTo = 0;
  /** Entries that were held, and dropped before the stream was read: the stream has to contain them. */
  #dropped: Head[] = [];
  /** Whether another server answers, which nothing proves to have all that was published. */
  #hasServerChanged = false;
  /** After a roll-back: entries that are not newer than this have been delivered before. */
  #delivered: Head | undefined;

  constructor(listener: CursorListener) {
    this.#listener = listener;
  }

  /** Whether nothing is known to be missing. If not, it needs a {@link snapshot}. */
  get isInStep(): boolean {
    return this.#isInStep;
  }

  /** The newest entry delivered. Another object each time it changes. */
  get position(): Head | undefined {
    return this.#last;
  }

  published(entry: StreamEntry): void {
    if (this.#isInStep) this.#isInStep = this.#take(entry);
    if (!this.#isInStep) this.#hold(entry);
  }

  /** There may be a hole that does not show: the connection is new, or the stream's head was not the expected one. */
  suspect(): void {
    this.#isInStep = false;
    this.#isAsked = false;
    this.#lastPublished = 0;
    // Held entries may be of a history that was rolled back. If the newest is in the stream, all of them are.
    const newest = this.#takeHeld().at(-1);
    if (newest !== undefined) this.#dropped.push(headOf(newest));
    if (this.#dropped.length <= maxDropped) return;
    this.#listener.gap();
    this.#dropped = [];
  }

  /** From now on another server answers: that is a gap, unless its stream shows one anyway. */
  serverChanged(): void {
    this.#hasServerChanged = true;
  }

  /** Whether this cursor has delivered all of a stream that ends at `head`. */
  isAt(head: Head): boolean {
    return isSame(this.#last, head);
  }

  /** A new cursor begins after `head`; any other is in step again if it is at `head`. */
  compare(head: Head): void {
    this.#last ??= head;
    if (!this.#isAsked || !this.isAt(head) || this.#dropped.length > 0) return;
    if (this.#hasServerChanged) this.#reportServerChange(head);
    this.#coveredTo = 0;
    this.#catchUp();
  }

  /** The offset from which the next snapshot has to be: that of the last entry, whose absence shows a roll-back. */
  ask(): number {
    this.#isAsked = true;
    this.#heldBefore = this.#held.length;
    return this.#last?.offset ?? 0;
  }

  /** Takes a part of the stream, from the offset on that {@link ask} returned. */
  snapshot(snapshot: Snapshot): void {
    const { head, hasMore } = snapshot;
    const last = this.#last;
    this.#dropOutdated(head);
    if (last === undefined) {
      this.#last = head;
    } else if (
      head.epoch !== last.epoch ||
      isRolledBack(last, snapshot) ||
      this.#dropped.some((entry) => isGone(entry, snapshot, this.#isAsked))
    ) {
      this.#listener.gap();
      // All of the stream is read that was not delivered before.
      const delivered = head.epoch === last.epoch ? this.#newestDelivered : undefined;
      this.#reset({ epoch: head.epoch, offset: 0, stamp: 0 }, head.offset, delivered);
      return;
    } else {
      if (this.#hasServerChanged) this.#reportServerChange(head);
      this.#read(last, snapshot);
    }
    this.#hasServerChanged = false;
    if (hasMore || !this.#isAsked) return;
    this.#coveredTo = 0;
    this.#delivered = undefined;
    this.#dropped = [];
    this.#catchUp();
  }

  /** The stream cannot be read: reports a gap, and continues with whatever comes next. */
  giveUp(): void {
    const last = this.#newestDelivered;
    const held = this.#takeHeld().filter((entry) => !last || !wasDelivered(entry, last));
    const hasServerChanged = this.#hasServerChanged;
    this.#reset(last, 0);
    this.#isInStep = true;
    if (hasServerChanged || held[0] === undefined || this.#follows(held[0])) this.#listener.gap();
    for (const entry of held) {
      if (this.#last && wasDelivered(entry, this.#last)) continue;
      if (!this.#follows(entry)) this.#listener.gap(this.#holeBefore(entry));
      this.#lastPublished = entry.offset;
      this.#deliver(entry);
    }
  }

  /** Returns whether the entry was the next one, or was read from the stream before. */
  #take(entry: StreamEntry): boolean {
    const last = this.#last;
    if (last !== undefined) {
      if (entry.epoch !== last.epoch || entry.offset > last.offset + 1) return false;
      if (entry.offset <= this.#lastPublished) {
        // Offsets grow on one connection. One that comes again may be another entry, which the snapshot shows.
        this.#lastPublished = 0;
        return false;
      }
      this.#lastPublished = entry.offset;
      if (entry.offset <= last.offset) return true;
    }
    this.#lastPublished = entry.offset;
    this.#deliver(entry);
    return true;
  }

  /** While a stream is read again, this is not the last entry. */
  get #newestDelivered(): Head | undefined {
    const [last, delivered] = [this.#last, this.#delivered];
    return last && delivered && delivered.offset > last.offset ? delivered : last;
  }

  #follows({ epoch, offset }: StreamEntry): boolean {
    return this.#last === undefined || (epoch === this.#last.epoch && offset === this.#last.offset + 1);
  }

  #holeBefore({ epoch, offset }: StreamEntry): { readonly from: number; readonly to: number } | undefined {
    const last = this.#last;
    if (last?.epoch !== epoch || offset <= last.offset) return undefined;
    return { from: last.offset + 1, to: offset - 1 };
  }

  #deliver(entry: StreamEntry): void {
    this.#last = headOf(entry);
    this.#listener.payload(entry.payload, { offset: entry.offset, epoch: entry.epoch });
  }

  /** Delivers the entries after `last`, with a gap for each range that the stream does not contain any more. */
  #read(last: Head, { head, entries, hasMore }: Snapshot): void {
    const { epoch } = last;
    for (const entry of entries) {
      if (entry.offset <= last.offset || entry.offset > head.offset) continue;
      this.#skipTo(entry.offset);
      if (this.#delivered && wasDelivered({ ...entry, epoch }, this.#delivered))
        this.#last = headOf({ ...entry, epoch });
      else this.#deliver({ ...entry, epoch });
    }
    if (hasMore || isSame(this.#last, head)) return;
    this.#skipTo(head.offset + 1);
    this.#last = head;
  }

  /** Reports the entries missing between the last one and `offset`. */
  #skipTo(offset: number): void {
    const from = Math.max(this.#last?.offset ?? 0, this.#coveredTo) + 1;
    if (from < offset) this.#listener.gap({ from, to: offset - 1 });
  }

  #reportServerChange({ offset }: Head): void {
    this.#listener.gap();
    this.#hasServerChanged = false;
    this.#coveredTo = offset;
  }

  /** Begins anew after `last`, with a gap told that covers everything up to `coveredTo`. */
  #reset(last: Head | undefined, coveredTo: number, delivered?: Head): void {
    this.#last = last;
    this.#lastPublished = 0;
    this.#coveredTo = coveredTo;
    this.#delivered = delivered;
    this.#dropped = [];
    this.#hasServerChanged = false;
  }

  #hold(entry: StreamEntry): void {
    const { length } = entry.payload;
    // The held entries are in the stream as well: the next snapshot has them, or shows that they are gone.
    if (this.#held.length >= maxHeld.entries || this.#heldBytes + length > maxHeld.bytes) this.#takeHeld();
    this.#held.push(entry);
    this.#heldBytes += length;
  }

  #takeHeld(): StreamEntry[] {
    const held = this.#held;
    this.#held = [];
    this.#heldBytes = 0;
    this.#heldBefore = 0;
    return held;
  }

  /** Entries of another epoch that were held before the snapshot was asked for are of an earlier epoch. */
  #dropOutdated({ epoch }: Head): void {
    if (this.#heldBefore === 0) return;
    const before = this.#heldBefore;
    const held = this.#takeHeld().filter((entry, index) => index >= before || entry.epoch === epoch);
    for (const entry of held) this.#hold(entry);
  }

  /** Delivers the held entries as long as they follow. */
  #catchUp(): void {
    this.#isInStep = true;
    for (const entry of this.#takeHeld()) this.published(entry);
  }
}

function headOf({ epoch, offset, stamp }: Head): Head {
  return { epoch, offset, stamp };
}

function isSame(one: Head | undefined, other: Head): boolean {
  return one?.offset === other.offset && one.stamp === other.stamp && one.epoch === other.epoch;
}

/** Whether an entry is not newer than one that was delivered, as far as the clocks of two masters agree. */
function wasDelivered({ epoch, offset, stamp }: Head, last: Head): boolean {
  return epoch === last.epoch && offset <= last.offset && stamp <= last.stamp;
}

/**
 * Whether the last entry does not belong to the stream any more, because a master without it took over. If it was just
 * trimmed and the next one is there, nothing proves the opposite.
 */
function isRolledBack(last: Head, { head, entries }: Snapshot): boolean {
  if (last.offset === 0) return false;
  if (head.offset <= last.offset) return !isSame(last, head);
  const [first] = entries;
  if (first?.offset === last.offset) return first.stamp !== last.stamp;
  return first?.offset === last.offset + 1;
}

/** Whether an entry newer than the last one is missing in the stream. A trimmed one shows as a hole anyway. */
function isGone(entry: Head, { head, entries }: Snapshot, isNewer: boolean): boolean {
  if (entry.epoch !== head.epoch) return false;
  // A snapshot that is older than the entry cannot have it.
  if (entry.offset > head.offset) return isNewer;
  return entries.some(({ offset, stamp }) => offset === entry.offset && stamp !== entry.stamp);
}
