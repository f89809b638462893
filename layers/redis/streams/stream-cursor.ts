import type { Position } from "../../message.ts";
import type { Head, Snapshot, StreamEntry } from "./stream-format.ts";

/** Who hears what a cursor finds, in the order of the stream. */
export interface CursorListener {
  payload(payload: Uint8Array, position: Position): void;
  /** Entries are lost, just here: those of `range`, where that is known. */
  gap(range?: { readonly from: number; readonly to: number }): void;
}

/** How many entries, and how many bytes of them, are held back while the stream is read. */
const mostHeld = { entries: 128, bytes: 1024 * 1024 };
/** How often a connection may break, each time with something held, before the stream can be read; then it is a gap. */
const mostLetGo = 16;

/**
 * One reader's place in a stream. It is told what is published, and what the stream holds when it asks for that, and
 * passes on each entry once, in order; where that cannot be, a gap.
 *
 * Most of the time it is in step: what comes is what follows. Whatever else comes (a hole, another epoch, an offset
 * that comes again) puts it out of step: from then on it holds back what is published until a {@link snapshot} has
 * told what the stream really holds. It waits for nothing and knows no clock and no connection.
 */
export class StreamCursor {
  readonly #listener: CursorListener;
  /** The newest entry that was passed on, or is known to come before the first that will be. */
  #last: Head | undefined;
  #isInStep = true;
  /** Whether the next snapshot was asked for after all that put this cursor out of step. */
  #isAsked = false;
  #held: StreamEntry[] = [];
  #heldBytes = 0;
  /** How many are held since before the snapshot that is on its way was asked for. */
  #heldBefore = 0;
  /** The newest offset that was published on this connection: what comes between it and the last, the stream told. */
  #lastPublished = 0;
  /** A gap was just told, and covers what is missing up to this offset. */
  #coveredTo = 0;
  /** What was published, held, and let go of before the stream was read: it has to be there. */
  #letGo: Head[] = [];
  /** What comes is told by another server than what came: nothing proves that it has all that was published. */
  #isInDoubt = false;
  /** After a roll-back: what is not newer than this has been passed on before. */
  #passedOn: Head | undefined;

  constructor(listener: CursorListener) {
    this.#listener = listener;
  }

  /** Whether nothing is known to be missing. If not, {@link snapshot} is waited for. */
  get isInStep(): boolean {
    return this.#isInStep;
  }

  /** The newest entry passed on. Another object each time it changes. */
  get position(): Head | undefined {
    return this.#last;
  }

  /** Something was published. */
  published(entry: StreamEntry): void {
    if (this.#isInStep) this.#isInStep = this.#take(entry);
    if (!this.#isInStep) this.#hold(entry);
  }

  /** There may be a hole that does not show: the connection is a new one, or the stream's head is not what was expected. */
  suspect(): void {
    this.#isInStep = false;
    this.#isAsked = false;
    this.#lastPublished = 0;
    // What is held may be of a history that was rolled back, and all that is not is in the stream.
    // Where an entry is, those before it are.
    const newest = this.#release().at(-1);
    if (newest !== undefined)
      this.#letGo.push({ epoch: newest.epoch, offset: newest.offset, stamp: newest.stamp });
    if (this.#letGo.length <= mostLetGo) return;
    this.#listener.gap();
    this.#letGo = [];
  }

  /** From here on another server answers: a gap, unless what it says is one anyway. */
  doubt(): void {
    this.#isInDoubt = true;
  }

  /** Whether this cursor has passed on all that a stream which ends at `head` holds. */
  isAt(head: Head): boolean {
    return isSame(this.#last, head);
  }

  /** A cursor that is nowhere yet begins after `head`; any other is in step again if that is where it is. */
  compare(head: Head): void {
    this.#last ??= head;
    if (!this.#isAsked || !this.isAt(head) || this.#letGo.length > 0) return;
    if (this.#isInDoubt) this.#tellDoubt(head);
    this.#coveredTo = 0;
    this.#catchUp();
  }

  /** From where on the next snapshot has to be; before {@link compare}, too. The last entry is part of it: whether it is still there tells roll-backs. */
  ask(): number {
    this.#isAsked = true;
    this.#heldBefore = this.#held.length;
    return this.#last?.offset ?? 0;
  }

  /** Takes what the stream holds, from the offset on that {@link ask} gave. */
  snapshot(snapshot: Snapshot): void {
    const { head, hasMore } = snapshot;
    const last = this.#last;
    this.#dropOutdated(head);
    if (last === undefined) {
      this.#last = head;
    } else if (head.epoch !== last.epoch) {
      this.#listener.gap();
      this.#restart(head);
      return;
    } else if (
      isRolledBack(last, snapshot) ||
      this.#letGo.some((entry) => isGone(entry, snapshot, this.#isAsked))
    ) {
      this.#listener.gap();
      const passedOn = this.#newestPassedOn;
      this.#restart(head);
      this.#passedOn = passedOn;
      return;
    } else {
      if (this.#isInDoubt) this.#tellDoubt(head);
      this.#read(last, snapshot);
    }
    this.#isInDoubt = false;
    if (hasMore || !this.#isAsked) return;
    this.#coveredTo = 0;
    this.#passedOn = undefined;
    this.#letGo = [];
    this.#catchUp();
  }

  /** The stream cannot be read: whatever is missing is a gap, and what comes next is taken as it comes. */
  giveUp(): void {
    const last = this.#newestPassedOn;
    const held = this.#release().filter((entry) => !last || !wasPassedOn(entry, last));
    this.#last = last;
    this.#isInStep = true;
    this.#lastPublished = 0;
    this.#coveredTo = 0;
    this.#passedOn = undefined;
    this.#letGo = [];
    if (this.#isInDoubt || held[0] === undefined || this.#follows(held[0])) this.#listener.gap();
    this.#isInDoubt = false;
    for (const entry of held) {
      if (this.#last && wasPassedOn(entry, this.#last)) continue;
      if (!this.#follows(entry)) this.#listener.gap(this.#holeBefore(entry));
      this.#lastPublished = entry.offset;
      this.#pass(entry);
    }
  }

  /** @returns whether the entry was what had to come, or one that has been read before it was published here. */
  #take(entry: StreamEntry): boolean {
    const last = this.#last;
    if (last !== undefined) {
      if (entry.epoch !== last.epoch || entry.offset > last.offset + 1) return false;
      if (entry.offset <= this.#lastPublished) {
        // On one connection offsets grow. One that comes again is another entry, unless the snapshot knows better.
        this.#lastPublished = 0;
        return false;
      }
      this.#lastPublished = entry.offset;
      if (entry.offset <= last.offset) return true;
    }
    this.#lastPublished = entry.offset;
    this.#pass(entry);
    return true;
  }

  /** In the middle of reading all of a stream again, it is not the last entry. */
  get #newestPassedOn(): Head | undefined {
    const [last, passedOn] = [this.#last, this.#passedOn];
    return last && passedOn && passedOn.offset > last.offset ? passedOn : last;
  }

  #follows({ epoch, offset }: StreamEntry): boolean {
    return this.#last === undefined || (epoch === this.#last.epoch && offset === this.#last.offset + 1);
  }

  #holeBefore({ epoch, offset }: StreamEntry): { readonly from: number; readonly to: number } | undefined {
    const last = this.#last;
    if (last?.epoch !== epoch || offset <= last.offset) return undefined;
    return { from: last.offset + 1, to: offset - 1 };
  }

  #pass({ epoch, offset, stamp, payload }: StreamEntry): void {
    this.#last = { epoch, offset, stamp };
    this.#listener.payload(payload, { offset, epoch });
  }

  /** Passes on what the stream holds after `last`, with a gap for each range that it holds no more. */
  #read(last: Head, { head, entries, hasMore }: Snapshot): void {
    const { epoch } = last;
    for (const entry of entries) {
      if (entry.offset <= last.offset || entry.offset > head.offset) continue;
      this.#skipTo(entry.offset);
      if (this.#passedOn && wasPassedOn({ ...entry, epoch }, this.#passedOn))
        this.#last = { epoch, offset: entry.offset, stamp: entry.stamp };
      else this.#pass({ ...entry, epoch });
    }
    if (hasMore || isSame(this.#last, head)) return;
    this.#skipTo(head.offset + 1);
    this.#last = head;
  }

  /** Tells what is missing between the last entry and that at `offset`. */
  #skipTo(offset: number): void {
    const from = Math.max(this.#last?.offset ?? 0, this.#coveredTo) + 1;
    if (from < offset) this.#listener.gap({ from, to: offset - 1 });
  }

  #tellDoubt({ offset }: Head): void {
    this.#listener.gap();
    this.#isInDoubt = false;
    this.#coveredTo = offset;
  }

  /** After a gap without a range: all of the stream is read that has not been passed on. */
  #restart({ epoch, offset }: Head): void {
    this.#last = { epoch, offset: 0, stamp: 0 };
    this.#lastPublished = 0;
    this.#coveredTo = offset;
    this.#passedOn = undefined;
    this.#letGo = [];
    this.#isInDoubt = false;
  }

  #hold(entry: StreamEntry): void {
    this.#held.push(entry);
    this.#heldBytes += entry.payload.length;
    if (this.#held.length <= mostHeld.entries && this.#heldBytes <= mostHeld.bytes) return;
    // All of it is in the stream as well: the next snapshot has it, or tells that it is gone.
    this.#release();
    this.#held.push(entry);
    this.#heldBytes = entry.payload.length;
  }

  #release(): StreamEntry[] {
    const held = this.#held;
    this.#held = [];
    this.#heldBytes = 0;
    this.#heldBefore = 0;
    return held;
  }

  /** What was held before the snapshot was asked for, and is of another epoch, is of an earlier one. */
  #dropOutdated({ epoch }: Head): void {
    if (this.#heldBefore === 0) return;
    const before = this.#heldBefore;
    const held = this.#release().filter((entry, index) => index >= before || entry.epoch === epoch);
    for (const entry of held) this.#hold(entry);
  }

  /** Takes what is held as long as it follows. */
  #catchUp(): void {
    this.#isInStep = true;
    for (const entry of this.#release()) this.published(entry);
  }
}

function isSame(one: Head | undefined, other: Head): boolean {
  return one?.offset === other.offset && one.stamp === other.stamp && one.epoch === other.epoch;
}

/** Whether an entry is not newer than one that was passed on. Clocks of two masters may differ: then it may seem so. */
function wasPassedOn({ epoch, offset, stamp }: Head, last: Head): boolean {
  return epoch === last.epoch && offset <= last.offset && stamp <= last.stamp;
}

/**
 * Whether the last entry belongs to the stream no more: a master that did not have it yet took over. Where it has just
 * been trimmed and the next one is there, nothing proves that it is not so.
 */
function isRolledBack(last: Head, { head, entries }: Snapshot): boolean {
  if (last.offset === 0) return false;
  if (head.offset <= last.offset) return !isSame(last, head);
  const [first] = entries;
  if (first?.offset === last.offset) return first.stamp !== last.stamp;
  return first?.offset === last.offset + 1;
}

/** Whether an entry that is newer than the last was in the stream, and is not. One that was trimmed is a hole anyway. */
function isGone(entry: Head, { head, entries }: Snapshot, isNewer: boolean): boolean {
  if (entry.epoch !== head.epoch) return false;
  // A snapshot that is older than the entry cannot have it.
  if (entry.offset > head.offset) return isNewer;
  return entries.some(({ offset, stamp }) => offset === entry.offset && stamp !== entry.stamp);
}
