import type { Position } from "../../message.ts";
import type { Head, Snapshot, StreamEntry } from "./stream-format.ts";

/** Receives the deliveries of a cursor, in the order of the stream. */
export interface CursorListener {
  payload(payload: Uint8Array, position: Position): void;
  /** Entries are lost at this point: those of `range`, if that is known. */
  gap(range?: { readonly from: number; readonly to: number }): void;
}

/** Limits of the publications held back while the stream is read. */
const maxHeld = { entries: 128, bytes: 1024 * 1024 };
/** How many reconnects in a row may drop held entries before the stream is read; one more is a gap. */
const maxDropped = 16;

/**
 * A reader's position in a stream. Delivers each entry once and in order, from publications and from
 * snapshots of the stream, or a gap.
 *
 * A cursor is in step while each publication follows the last one. Any other publication (after a hole, of
 * another epoch, or with a repeated offset) puts it out of step: it then holds publications back until a
 * {@link snapshot} shows the contents of the stream. A cursor has no clock and no connection.
 */
export class StreamCursor {
  readonly #listener: CursorListener;
  /** The newest entry that was delivered, or the one before the first delivery. */
  #last: Head | undefined;
  #isInStep = true;
  /** Whether the pending snapshot was requested after the last event that put this cursor out of step. */
  #isAsked = false;
  #held: StreamEntry[] = [];
  #heldBytes = 0;
  /** The number of held entries when the pending snapshot was requested. */
  #heldBefore = 0;
  /**
   * The newest offset published on this connection. Later entries up to the last one came from the stream.
   */
  #lastPublished = 0;
  /** The last gap covers everything missing up to this offset. */
  #coveredTo = 0;
  /** Held entries that were dropped before the stream was read. The stream has to contain them. */
  #dropped: Head[] = [];
  /** Whether another server replies, which may lack entries. */
  #hasServerChanged = false;
  /** After a rollback: entries not newer than this one were delivered before. */
  #delivered: Head | undefined;

  constructor(listener: CursorListener) {
    this.#listener = listener;
  }

  /** Whether nothing is known to be missing. Otherwise the cursor needs a {@link snapshot}. */
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

  /** Puts the cursor out of step: the connection is new, or the stream has an unexpected head. */
  suspect(): void {
    this.#isInStep = false;
    this.#isAsked = false;
    this.#lastPublished = 0;
    // Held entries may be of a history that was rolled back. If the stream has the newest, it has them all.
    const newest = this.#takeHeld().at(-1);
    if (newest !== undefined) this.#dropped.push(headOf(newest));
    if (this.#dropped.length <= maxDropped) return;
    this.#listener.gap();
    this.#dropped = [];
  }

  /** Another server replies from now on. Reports a gap, unless its stream shows one anyway. */
  serverChanged(): void {
    this.#hasServerChanged = true;
  }

  /** Whether all entries of a stream that ends at `head` have been delivered. */
  isAt(head: Head): boolean {
    return isSame(this.#last, head);
  }

  /** Starts a new cursor after `head`. Puts any other cursor in step again if it is at `head`. */
  compare(head: Head): void {
    this.#last ??= head;
    if (!this.#isAsked || !this.isAt(head) || this.#dropped.length > 0) return;
    if (this.#hasServerChanged) this.#reportServerChange(head);
    this.#coveredTo = 0;
    this.#catchUp();
  }

  /** Returns the offset at which the next snapshot has to start, so that it shows a rollback. */
  ask(): number {
    this.#isAsked = true;
    this.#heldBefore = this.#held.length;
    return this.#last?.offset ?? 0;
  }

  /** Takes a part of the stream, starting at the offset that {@link ask} returned. */
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
      // Reads the whole stream again, except for entries delivered before.
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

  /** Reports a gap, because the stream cannot be read, and continues with the next publication. */
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

  /** Returns whether the entry was the next one, or had been read from the stream. */
  #take(entry: StreamEntry): boolean {
    const last = this.#last;
    if (last !== undefined) {
      if (entry.epoch !== last.epoch || entry.offset > last.offset + 1) return false;
      if (entry.offset <= this.#lastPublished) {
        // Offsets increase on one connection. A repeated one may be another entry: the snapshot shows it.
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

  /** Differs from the last entry while a stream is read again after a rollback. */
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

  /** Delivers the entries after `last`, with a gap for each range that the stream no longer contains. */
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

  /** Starts again after `last`. A gap that covers everything up to `coveredTo` has been reported. */
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
    // The next snapshot contains the held entries, or shows that they are lost.
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

  /** Entries of another epoch that were held before the snapshot was requested belong to an earlier epoch. */
  #dropOutdated({ epoch }: Head): void {
    if (this.#heldBefore === 0) return;
    const before = this.#heldBefore;
    const held = this.#takeHeld().filter((entry, index) => index >= before || entry.epoch === epoch);
    for (const entry of held) this.#hold(entry);
  }

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

/** Whether `entry` was delivered before `last`, provided that the clocks of the masters agree. */
function wasDelivered({ epoch, offset, stamp }: Head, last: Head): boolean {
  return epoch === last.epoch && offset <= last.offset && stamp <= last.stamp;
}

/**
 * Whether the stream no longer contains the last entry because a master without it took over. True as well if
 * the last entry was trimmed and the next one exists, because nothing proves the opposite.
 */
function isRolledBack(last: Head, { head, entries }: Snapshot): boolean {
  if (last.offset === 0) return false;
  if (head.offset <= last.offset) return !isSame(last, head);
  const [first] = entries;
  if (first?.offset === last.offset) return first.stamp !== last.stamp;
  return first?.offset === last.offset + 1;
}

/** Whether the stream lacks an entry newer than the last one. A trimmed entry shows as a hole anyway. */
function isGone(entry: Head, { head, entries }: Snapshot, isNewer: boolean): boolean {
  if (entry.epoch !== head.epoch) return false;
  // A snapshot older than the entry cannot contain it.
  if (entry.offset > head.offset) return isNewer;
  return entries.some(({ offset, stamp }) => offset === entry.offset && stamp !== entry.stamp);
}
