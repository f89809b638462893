import type { ChannelLayer } from "../../layers/channel-layer.ts";
import type { Clock } from "../../layers/clock.ts";
import type { HistoryEntry } from "../../layers/history.ts";
import type { Position } from "../../layers/message.ts";
import { withTimeout } from "../../layers/with-timeout.ts";
import { timeOf } from "../deadline.ts";
import type { Ticket } from "./ticket.ts";

/** The maximum number of messages that a client catches up in one group. If it has missed more, it gets a gap. */
const maxMissed = 1_000;
/** The history is read for at most this time, in milliseconds. Then the client gets a gap. */
const readMs = 5_000;
/** Groups that the actor joins later than this time after `since`, in milliseconds, are not caught up. */
const joinMs = 60_000;

/** The position of a group whose layer does not know one yet. */
export const unknownPosition: Position = Object.freeze({ epoch: "", offset: 0 });

/** For each group, the offset of the newest message that a client has received. */
export type Marks = ReadonlyMap<string, number>;

/** The membership of a lost session in a group. */
export interface LostMembership {
  /** The position from which the session has received messages. Undefined if they cannot be caught up. */
  readonly floor?: Position;
  /** The offset of the newest message that the client has received. */
  readonly mark?: number;
  /** Reads the messages for the client that it has missed. Yields undefined if it may have missed others. */
  missed(): Promise<readonly HistoryEntry[] | undefined>;
}

const gap: LostMembership = { missed: async () => undefined };

/** The memberships of a lost session, as its client tells them. */
export class LostSession {
  readonly #layer: ChannelLayer;
  readonly #clock: Clock;
  /** The channel of the actor; undefined if the ticket cannot be opened. */
  readonly #channel: string | undefined;
  /** For each group, the position from which the session has received messages. */
  readonly #floors: Map<string, Position>;
  readonly #marks: Map<string, number>;
  readonly #endsAt: number;

  /** @param ticket undefined if the ticket cannot be opened. Then each group has a gap. */
  constructor(layer: ChannelLayer, ticket: Ticket | undefined, marks: Marks, clock: Clock) {
    this.#layer = layer;
    this.#clock = clock;
    this.#channel = ticket?.channel;
    this.#floors = new Map(ticket?.floors);
    this.#marks = new Map(marks);
    this.#endsAt = timeOf(clock) + joinMs;
  }

  /**
   * Returns the membership of the lost session in `group`, if the new one begins at `begin`. Returns undefined if there
   * was none, or for a group that was taken before.
   */
  take(group: string, begin: Position): LostMembership | undefined {
    const [mark, floor] = [this.#marks.get(group), this.#floors.get(group)];
    this.#marks.delete(group);
    this.#floors.delete(group);
    if (timeOf(this.#clock) > this.#endsAt || (mark === undefined && floor === undefined)) return undefined;
    const isPossible =
      mark !== undefined &&
      floor !== undefined &&
      floor.epoch === begin.epoch &&
      floor.epoch !== unknownPosition.epoch &&
      floor.offset <= mark &&
      mark <= begin.offset &&
      begin.offset - mark <= maxMissed;
    return isPossible ? { floor, mark, missed: () => this.#read(group, mark, begin) } : gap;
  }

  async #read(group: string, mark: number, begin: Position): Promise<readonly HistoryEntry[] | undefined> {
    if (mark === begin.offset) return [];
    // The history may also contain messages that are newer than `begin`.
    const options = { limit: 2 * maxMissed, since: { epoch: begin.epoch, offset: mark } };
    const late = () => new Error(`The history of "${group}" could not be read within ${readMs} ms.`);
    const reading = this.#layer.history(group, options);
    const { entries, complete } = await withTimeout(reading, readMs, this.#clock, late);
    if (!complete) return undefined;
    return entries.filter(
      ({ delivery, except }) =>
        (delivery.offset ?? 0) <= begin.offset && (except === undefined || except !== this.#channel),
    );
  }
}

/** Reads the marks of a frame `since`. Returns undefined for anything but offsets by group. */
export function readMarks(marks: unknown): Marks | undefined {
  if (typeof marks !== "object" || marks === null || Array.isArray(marks)) return undefined;
  const entries = Object.entries(marks);
  const isOffset = ([, mark]: [string, unknown]) => Number.isSafeInteger(mark) && Number(mark) >= 0;
  return entries.every(isOffset) ? new Map(entries as [string, number][]) : undefined;
}
