import { errorCodes } from "../contract/index.ts";
import type { NamedCounters } from "../named/context.ts";
import { type ConsumerCounters, ConsumerCounts } from "./consumer-counts.ts";
import { type CountedLimit, countedLimits } from "./limits/limits.ts";
import { type RefusalCause, refusalCauses } from "./refusal-cause.ts";

const dropReasons = [
  "unhandled",
  "not-json",
  "invalid",
  "overflow",
  "slow",
  "closing",
  "away",
  "unfinished",
  "unread",
  "dead-letter",
  "late",
  "garbage",
  "excess",
  "forgotten",
  "unanswered",
] as const;

/**
 * The reasons for which a runtime drops a frame, a message or an upgrade:
 *
 * - `unhandled`: the consumer did not handle the message type or the frame
 * - `not-json`: the consumer's handler of the message sent a value as JSON that JSON cannot hold
 * - `invalid`: the message did not fit the schema that the consumer has for its type
 * - `overflow`: the actor's mailbox was full
 * - `slow`: too many bytes waited for the client, or the client had read nothing for too long
 * - `closing`: the connection was closing (frames from the client, frames to the client, and messages)
 * - `away`: the session of the client ended while the client was away, and had not acknowledged the frames
 * - `unfinished`: a client's message took longer than `messageTimeoutMs`, had too many fragments, or was one of the
 *   largest when unfinished messages exceeded `maxUnfinishedBytes`
 * - `unread`: too many frames of a spawned actor waited in `outgoing`, so the oldest frame was dropped
 * - `dead-letter`: the actor had stopped, or no known node had the channel
 * - `late`: the message was a reply to an ask that had already ended
 * - `garbage`: the message on the control layer did not follow the protocol between nodes
 * - `excess`: the message of another node exceeded a limit for other nodes
 * - `forgotten`: more than 10,000 tags were disconnected in a short time, so the oldest disconnect no longer
 *   closes connections that get its tag later
 * - `unanswered`: the upgrade was left to the other listeners of the server, and none answered in time; or it
 *   waited too long for an earlier response of its connection
 */
export type RuntimeDropReason = (typeof dropReasons)[number];

/** Counters of a runtime since it was created. */
export interface RuntimeCounters {
  /** The number of upgrades that the runtime, a guard or a consumer answered with an HTTP error. */
  readonly refused: number;
  /** The same by cause, and then by HTTP status. Statuses that have not occurred are absent. */
  readonly refusals: Readonly<Record<RefusalCause, Readonly<Record<string, number>>>>;
  /**
   * The number of times that a handler blocked the event loop for more than 50 ms. While a handler
   * blocks, the node serves no other actor. For each consumer, only the first time is reported to `onError`.
   */
  readonly blocked: number;
  /**
   * The number of clients' frames that were refused, by code: the codes that begin with `greenroom.`, and up to 100 codes
   * of {@link FrameError} and of machines. The client was told of each of them. More codes count as `other`.
   */
  readonly refusedFrames: Readonly<Record<string, number>>;
  /** The number of times that a client has resumed its session with another socket. */
  readonly resumed: number;
  /** The number of sessions that ended while their client was away. */
  readonly lost: number;
  /** The number of connections that were closed because the sign-in of their client has expired. */
  readonly expired: number;
  /** The number of dropped frames, messages and upgrades by reason. */
  readonly dropped: Readonly<Record<RuntimeDropReason, number>>;
  /** The number of times that each limit was hit. */
  readonly limited: Readonly<Record<CountedLimit, number>>;
  /**
   * Connections and traffic by the name of the consumer class. Sockets that were opened only to refuse the client
   * count under the empty name. More than 1,000 names count as `other`.
   */
  readonly consumers: Readonly<Record<string, ConsumerCounters>>;
  /** The counters of named actors on this node, by their kind. */
  readonly named: Readonly<Record<string, NamedCounters>>;
}

interface CountedRefusal {
  readonly status: number;
  readonly cause?: RefusalCause;
}

const maxCodes = 100 + errorCodes.length;
const maxConsumers = 1_000;

export class Counters {
  /** Called whenever a limit was hit. */
  onLimit: ((limit: CountedLimit) => void) | undefined;
  #refused = 0;
  #blocked = 0;
  #resumed = 0;
  #lost = 0;
  readonly #refusals = new Map<RefusalCause, Map<number, number>>(
    refusalCauses.map((cause) => [cause, new Map()]),
  );
  readonly #consumers = new Map<string, ConsumerCounts>();
  #expired = 0;
  readonly #refusedFrames = new Map<string, number>(errorCodes.map((code) => [code, 0]));
  readonly #dropped = Object.fromEntries(dropReasons.map((reason) => [reason, 0])) as Record<
    RuntimeDropReason,
    number
  >;
  readonly #limited = Object.fromEntries(countedLimits.map((limit) => [limit, 0])) as Record<
    CountedLimit,
    number
  >;

  /** Counts a refused upgrade. A refusal without a known cause is that of a guard. */
  refuse({ status, cause = "guard" }: CountedRefusal): void {
    this.#refused++;
    const statuses = this.#refusals.get(cause) ?? (this.#refusals.get("guard") as Map<number, number>);
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
  }

  resume(): void {
    this.#resumed++;
  }

  lose(): void {
    this.#lost++;
  }

  /** The counts of the consumer classes with this name. */
  of(consumer: string): ConsumerCounts {
    const isKnown = this.#consumers.has(consumer) || this.#consumers.size < maxConsumers;
    const name = isKnown ? consumer : "other";
    const counts = this.#consumers.get(name) ?? new ConsumerCounts();
    this.#consumers.set(name, counts);
    return counts;
  }

  expire(): void {
    this.#expired++;
  }

  block(): void {
    this.#blocked++;
  }

  /** Counts under the code `other` once there are too many codes: a consumer may put data into them. */
  refuseFrame(code: string): void {
    const known = this.#refusedFrames.has(code) || this.#refusedFrames.size < maxCodes ? code : "other";
    this.#refusedFrames.set(known, (this.#refusedFrames.get(known) ?? 0) + 1);
  }

  drop(reason: RuntimeDropReason, count = 1): void {
    this.#dropped[reason] += count;
  }

  /** Counts that a limit was hit. */
  limit(limit: CountedLimit): void {
    this.#limited[limit] += 1;
    this.onLimit?.(limit);
  }

  snapshot(): Omit<RuntimeCounters, "named"> {
    return {
      refused: this.#refused,
      blocked: this.#blocked,
      refusals: recordOf(this.#refusals, (statuses) => Object.fromEntries(statuses)),
      resumed: this.#resumed,
      lost: this.#lost,
      expired: this.#expired,
      refusedFrames: Object.fromEntries(this.#refusedFrames),
      dropped: { ...this.#dropped },
      limited: { ...this.#limited },
      consumers: recordOf(this.#consumers, (counts) => counts.snapshot()),
    };
  }
}

const recordOf = <K extends string, V, R>(map: ReadonlyMap<K, V>, convert: (value: V) => R): Record<K, R> =>
  Object.fromEntries([...map].map(([key, value]) => [key, convert(value)])) as Record<K, R>;
