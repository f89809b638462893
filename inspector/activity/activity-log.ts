import { truncate } from "../../runtime/truncate.ts";
import type { HistoryEntry } from "../protocol.ts";
import { RingBuffer } from "./ring-buffer.ts";

export type Activity = Omit<HistoryEntry, "number" | "at">;

interface RecordedEntry {
  readonly actor: string;
  readonly entry: HistoryEntry;
}

/**
 * The log keeps at most this many lifecycle events and units of work, for all actors together. A unit of work
 * is a frame, a message, a call of the layer, or a transition of a consumer's own machine.
 */
const keptLifecycle = 30_000;
const keptWork = 10_000;
/** The most units of work per second that are recorded for all unopened actors together. */
const workPerSecond = 2_000;
/** The most units of work per second that are recorded for each actor that is opened in a page. */
const openedPerSecond = 200;
const keptOpened = 500;

/** Records all lifecycle events and a sample of the work. Limits bound the CPU time and the memory. */
export class ActivityLog {
  readonly #lifecycle = new RingBuffer<RecordedEntry>(keptLifecycle);
  readonly #work = new RingBuffer<RecordedEntry>(keptWork);
  readonly #tickMs: number;
  #allowance = 0;
  #count = 0;
  readonly #opened = new Map<string, OpenedHistory>();

  /** @param tickMs the shortest time between two calls of {@link tick}, in milliseconds. */
  constructor(tickMs: number) {
    this.#tickMs = tickMs;
    this.tick();
  }

  /** Calls `make` and records the result, if the limits allow another unit of this actor's work. */
  recordWork(actor: string, make: (opened: OpenedHistory | undefined) => Activity): void {
    const opened = this.#opened.get(actor);
    if (opened === undefined ? this.#allowance === 0 : !opened.countEvent()) return;
    if (opened === undefined) this.#allowance -= 1;
    this.#add(this.#work, actor, make(opened));
  }

  recordLifecycle(actor: string, activity: Activity): void {
    this.#opened.get(actor)?.countEvent();
    this.#add(this.#lifecycle, actor, activity);
  }

  /** Records more of an actor's work until {@link close} has been called as often as `open`. */
  open(actor: string): OpenedHistory {
    const opened = this.#opened.get(actor) ?? new OpenedHistory(this.#entriesOf(actor), this.#tickMs);
    opened.readers += 1;
    this.#opened.set(actor, opened);
    return opened;
  }

  close(actor: string): void {
    const opened = this.#opened.get(actor);
    if (opened === undefined) return;
    opened.readers -= 1;
    if (opened.readers === 0) this.#opened.delete(actor);
  }

  /** Begins the next sampling interval. */
  tick(elapsedMs = this.#tickMs): void {
    this.#allowance = Math.ceil((workPerSecond * this.#tickMs) / 1_000);
    for (const opened of this.#opened.values()) opened.tick(elapsedMs);
  }

  #add(buffer: RingBuffer<RecordedEntry>, actor: string, activity: Activity): void {
    this.#count += 1;
    const at = performance.timeOrigin + performance.now();
    const entry = { number: this.#count, at, ...truncated(activity) };
    buffer.push({ actor, entry });
    this.#opened.get(actor)?.add(entry);
  }

  #entriesOf(actor: string): HistoryEntry[] {
    const found = [...this.#lifecycle, ...this.#work].filter((recorded) => recorded.actor === actor);
    return found.map(({ entry }) => entry).sort((one, other) => one.number - other.number);
  }
}

const longestWhat = 200;
const longestDetail = 300;

/** Shortens the texts of an entry, because a name that a client sends may be as long as a frame. */
function truncated({ what, detail, ...rest }: Activity): Activity {
  return {
    ...rest,
    what: truncate(what, longestWhat),
    ...(detail !== undefined && { detail: truncate(detail, longestDetail) }),
  };
}

export class OpenedHistory {
  readers = 0;
  payloadReaders = 0;
  readonly #entries = new RingBuffer<HistoryEntry>(keptOpened);
  #events = 0;
  #recorded = 0;
  readonly #tickMs: number;
  #rate = { events: 0, recorded: 0 };

  constructor(entries: readonly HistoryEntry[], tickMs: number) {
    this.#tickMs = tickMs;
    for (const entry of entries) this.#entries.push(entry);
  }

  /** The numbers of all events and of recorded events per second, between the last two ticks. */
  get rate(): { readonly events: number; readonly recorded: number } {
    return this.#rate;
  }

  after(number: number): HistoryEntry[] {
    return [...this.#entries].filter((entry) => entry.number > number);
  }

  /** Counts an event. @returns whether the limit allows the event to be recorded */
  countEvent(): boolean {
    this.#events += 1;
    return this.#recorded < (openedPerSecond * this.#tickMs) / 1_000;
  }

  add(entry: HistoryEntry): void {
    this.#recorded += 1;
    this.#entries.push(entry);
  }

  tick(elapsedMs: number): void {
    const perSecond = 1_000 / elapsedMs;
    this.#rate = { events: this.#events * perSecond, recorded: this.#recorded * perSecond };
    this.#events = 0;
    this.#recorded = 0;
  }
}
