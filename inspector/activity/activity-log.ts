import { truncate } from "../../runtime/truncate.ts";
import type { HistoryEntry } from "../protocol.ts";
import { Ring } from "./ring.ts";

/** What happened, before it has its place among all that did. */
export type Happening = Omit<HistoryEntry, "number" | "at">;

interface Recorded {
  readonly actor: string;
  readonly entry: HistoryEntry;
}

/** How much is kept of all actors together: of how they come and go, and of everything else. */
const keptOfLife = 30_000;
const keptOfWork = 10_000;
/** How much of their work is recorded in a second: of all that nobody has opened together, and of each opened one. */
const workPerSecond = 2_000;
const openedPerSecond = 200;
/** How much is kept of an opened one. */
const keptOfOpened = 500;

/**
 * What actors did, since somebody looks. However much that is, memory and time are bounded: of their work there are samples,
 * more of who is opened than of the others. How their connections come and go is all there, up to the last of it.
 */
export class ActivityLog {
  #life = new Ring<Recorded>(keptOfLife);
  #work = new Ring<Recorded>(keptOfWork);
  readonly #tickMs: number;
  #allowance = 0;
  #count = 0;
  readonly #opened = new Map<string, OpenedHistory>();

  /** @param tickMs how often {@link turn} is called, in milliseconds, or less often. */
  constructor(tickMs: number) {
    this.#tickMs = tickMs;
    this.turn();
  }

  /** Records a piece of an actor's work, which is made only if this one is among the samples. */
  work(actor: string, make: (opened: OpenedHistory | undefined) => Happening): void {
    const opened = this.#opened.get(actor);
    if (opened === undefined ? this.#allowance === 0 : !opened.wants()) return;
    if (opened === undefined) this.#allowance -= 1;
    this.#add(this.#work, actor, make(opened));
  }

  /** Records how a connection comes or goes. */
  life(actor: string, happening: Happening): void {
    this.#opened.get(actor)?.wants();
    this.#add(this.#life, actor, happening);
  }

  opened(actor: string): OpenedHistory | undefined {
    return this.#opened.get(actor);
  }

  /** Keeps more of an actor from now on, once for each who opens it. */
  open(actor: string): OpenedHistory {
    const known = this.#opened.get(actor);
    const opened = known ?? new OpenedHistory(this.#of(actor), this.#tickMs);
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

  /** A tick has passed, so long after the one before. */
  turn(elapsedMs = this.#tickMs): void {
    this.#allowance = Math.ceil((workPerSecond * this.#tickMs) / 1_000);
    for (const opened of this.#opened.values()) opened.turn(elapsedMs);
  }

  #add(ring: Ring<Recorded>, actor: string, happening: Happening): void {
    this.#count += 1;
    const entry = {
      number: this.#count,
      at: performance.timeOrigin + performance.now(),
      ...bounded(happening),
    };
    ring.push({ actor, entry });
    this.#opened.get(actor)?.add(entry);
  }

  #of(actor: string): HistoryEntry[] {
    const found = [...this.#life, ...this.#work].filter((recorded) => recorded.actor === actor);
    return found.map(({ entry }) => entry).sort((one, other) => one.number - other.number);
  }
}

const longestWhat = 200;
const longestDetail = 300;

/** What others have named may be as long as a frame. */
function bounded({ what, detail, ...rest }: Happening): Happening {
  return {
    ...rest,
    what: truncate(what, longestWhat),
    ...(detail !== undefined && { detail: truncate(detail, longestDetail) }),
  };
}

/** The history of an actor that somebody looks at. */
export class OpenedHistory {
  /** How many look at it. */
  readers = 0;
  /** How many of them want payloads. */
  payloadReaders = 0;
  readonly #entries = new Ring<HistoryEntry>(keptOfOpened);
  #events = 0;
  #recorded = 0;
  readonly #tickMs: number;
  #rate = { events: 0, recorded: 0 };

  constructor(entries: readonly HistoryEntry[], tickMs: number) {
    this.#tickMs = tickMs;
    for (const entry of entries) this.#entries.push(entry);
  }

  /** How many events there were in a second, between the last two ticks, and how many of those were recorded. */
  get rate(): { readonly events: number; readonly recorded: number } {
    return this.#rate;
  }

  /** What came after the entry with that number, as far as it is kept. */
  after(number: number): HistoryEntry[] {
    return [...this.#entries].filter((entry) => entry.number > number);
  }

  /** Counts an event. @returns whether there is room for it. */
  wants(): boolean {
    this.#events += 1;
    return this.#recorded < (openedPerSecond * this.#tickMs) / 1_000;
  }

  add(entry: HistoryEntry): void {
    this.#recorded += 1;
    this.#entries.push(entry);
  }

  turn(elapsedMs: number): void {
    const perSecond = 1_000 / elapsedMs;
    this.#rate = { events: this.#events * perSecond, recorded: this.#recorded * perSecond };
    this.#events = 0;
    this.#recorded = 0;
  }
}
