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

/** What a client has told about the session that it has lost. */
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
   * Reads the messages of `group` that the client has missed up to `begin`, without those that were not for it. The
   * promise yields undefined if the client may have missed others. Returns undefined if the lost session was not in
   * the group, or for a group that was read before.
   */
  missed(group: string, begin: Position): Promise<readonly HistoryEntry[] | undefined> | undefined {
    const [mark, floor] = [this.#marks.get(group), this.#floors.get(group)];
    this.#marks.delete(group);
    this.#floors.delete(group);
    if (timeOf(this.#clock) > this.#endsAt || (mark === undefined && floor === undefined)) return undefined;
    return this.#read(group, mark, floor, begin);
  }

  async #read(
    group: string,
    mark: number | undefined,
    floor: Position | undefined,
    begin: Position,
  ): Promise<readonly HistoryEntry[] | undefined> {
    if (mark === undefined || floor === undefined || mark < floor.offset) return undefined;
    if (floor.epoch !== begin.epoch || floor.epoch === unknownPosition.epoch) return undefined;
    const count = begin.offset - mark;
    if (count < 0 || count > maxMissed) return undefined;
    if (count === 0) return [];
    // The history may also contain messages that are newer than `begin`.
    const options = { limit: 2 * maxMissed, since: { epoch: floor.epoch, offset: mark } };
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
