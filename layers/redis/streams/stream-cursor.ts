import type { Position } from "../../message.ts";
import type { Head, Snapshot, StreamEntry } from "./stream-format.ts";

export interface CursorListener {
  payload(payload: Uint8Array, position: Position): void;
  /** Entries are missing at this point. `range` contains their offsets, if these are known. */
  gap(range?: { readonly from: number; readonly to: number }): void;
}

/** Limits of the publications that are held back while the stream is read. */
const maxHeld = { entries: 128, bytes: 1024 * 1024 };
/** Maximum number of consecutive reconnects that drop held entries. One more reconnect causes a gap. */
const maxDropped = 16;

/**
 * A reader's position in a stream. Delivers each entry once and in order, or reports a gap instead. If a
 * publication does not directly follow the last entry, the cursor is out of step: it holds publications back
 * until a {@link snapshot} shows the contents of the stream.
 */
export class StreamCursor {
  readonly #listener: CursorListener;
  /** The newest delivered entry. Before the first delivery, the stream's head when the cursor started. */
  #last: Head | undefined;
  #isInStep = true;
  /** Whether the pending snapshot was requested after the last event that put this cursor out of step. */
  #isAsked = false;
  #held: StreamEntry[] = [];
  #heldBytes = 0;
  /** The number of held entries when the pending snapshot was requested. */
  #heldBefore = 0;
  /** The newest offset published on this connection. Entries after it, up to `#last`, came from snapshots. */
  #lastPublished = 0;
  /** The last gap covers all entries that are missing up to this offset. */
  #coveredTo = 0;
  /** The newest entry of each batch that {@link suspect} dropped. A gap is due if the stream lacks one. */
  #dropped: Head[] = [];
  #hasServerChanged = false;
  /** After a failover to a server that lacks entries: the newest entry that was delivered before it. */
  #delivered: Head | undefined;

  constructor(listener: CursorListener) {
    this.#listener = listener;
  }

  /** True if no entry is known to be missing. If false, the cursor needs a {@link snapshot}. */
  get isInStep(): boolean {
    return this.#isInStep;
  }

  /** The newest delivered entry. Each change creates a new object, so that `===` detects a change. */
  get position(): Head | undefined {
    return this.#last;
  }

  /**
   * The newest delivered entry. Differs from {@link position} only while a stream is read again after a rollback.
   */
  get delivered(): Head | undefined {
    const [last, delivered] = [this.#last, this.#delivered];
    return last && delivered && delivered.offset > last.offset ? delivered : last;
  }

  published(entry: StreamEntry): void {
    if (this.#isInStep) this.#isInStep = this.#take(entry);
    if (!this.#isInStep) this.#hold(entry);
  }

  /** Must be called if the connection is new, or the stream has an unexpected head. */
  suspect(): void {
    this.#isInStep = false;
    this.#isAsked = false;
    this.#lastPublished = 0;
    // The held entries may have been rolled back. If the stream has the newest of them, it has all of them.
    const newest = this.#takeHeld().at(-1);
    if (newest !== undefined) this.#dropped.push(headOf(newest));
    if (this.#dropped.length <= maxDropped) return;
    this.#listener.gap();
    this.#dropped = [];
  }

  /** The next reply from the new server causes a gap, even if no entry is known to be missing. */
  serverChanged(): void {
    this.#hasServerChanged = true;
  }

  isAt(head: Head): boolean {
    return isSame(this.#last, head);
  }

  /** Starts a new cursor after `head`. Puts a started cursor in step again, if its position is `head`. */
  compare(head: Head): void {
    this.#last ??= head;
    if (!this.#isAsked || !this.isAt(head) || this.#dropped.length > 0) return;
    if (this.#hasServerChanged) this.#reportServerChange(head);
    this.#coveredTo = 0;
    this.#catchUp();
  }

  /** Returns the offset at which the next snapshot has to start, so that the snapshot reveals a rollback. */
  ask(): number {
    this.#isAsked = true;
    this.#heldBefore = this.#held.length;
    return this.#last?.offset ?? 0;
  }

  /** Processes a part of the stream. The part starts at the offset that {@link ask} returned. */
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
      // The whole stream is read again. Entries that were delivered before are skipped.
      const delivered = head.epoch === last.epoch ? this.delivered : undefined;
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

  /** Must be called if the stream cannot be read. Reports a gap, and continues with the publications. */
  giveUp(): void {
    const last = this.delivered;
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

  /** Delivers `entry` if it is next, or skips it if it was already read. Otherwise, returns false. */
  #take(entry: StreamEntry): boolean {
    const last = this.#last;
    if (last !== undefined) {
      if (entry.epoch !== last.epoch || entry.offset > last.offset + 1) return false;
      if (entry.offset <= this.#lastPublished) {
        // A repeated offset may belong to another entry. The next snapshot shows whether it does.
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

  /** Delivers the entries after `last`. Reports a gap for each range that the stream no longer contains. */
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

  #skipTo(offset: number): void {
    const from = Math.max(this.#last?.offset ?? 0, this.#coveredTo) + 1;
    if (from < offset) this.#listener.gap({ from, to: offset - 1 });
  }

  #reportServerChange({ offset }: Head): void {
    this.#listener.gap();
    this.#hasServerChanged = false;
    this.#coveredTo = offset;
  }

  /** Starts again after `last`. The caller reports a gap that covers all entries up to `coveredTo`. */
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
    // Dropping held entries is safe: the next snapshot contains them, or shows that they are lost.
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

  /** Drops entries that were held before the snapshot was requested, if their epoch is not the head's. */
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

/** An entry was delivered if it is not newer than `last`. Assumes that the clocks of masters agree. */
function wasDelivered({ epoch, offset, stamp }: Head, last: Head): boolean {
  return epoch === last.epoch && offset <= last.offset && stamp <= last.stamp;
}

/**
 * Whether the stream no longer contains `last` because a master without that entry took over. Also returns
 * true if `last` was trimmed and the next entry exists, because this case looks the same as a rollback.
 */
function isRolledBack(last: Head, { head, entries }: Snapshot): boolean {
  if (last.offset === 0) return false;
  if (head.offset <= last.offset) return !isSame(last, head);
  const [first] = entries;
  if (first?.offset === last.offset) return first.stamp !== last.stamp;
  return first?.offset === last.offset + 1;
}

/** Whether the stream lacks `entry`. Returns false for a trimmed entry, whose hole causes a gap anyway. */
function isGone(entry: Head, { head, entries }: Snapshot, isNewer: boolean): boolean {
  if (entry.epoch !== head.epoch) return false;
  // A snapshot that is older than `entry` proves nothing.
  if (entry.offset > head.offset) return isNewer;
  return entries.some(({ offset, stamp }) => offset === entry.offset && stamp !== entry.stamp);
}
