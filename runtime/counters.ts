import { errorCodes } from "../contract/index.ts";

const dropReasons = [
  "unhandled",
  "not-json",
  "overflow",
  "slow",
  "closing",
  "away",
  "unfinished",
  "unread",
  "dead-letter",
  "late",
  "garbage",
  "forgotten",
  "unanswered",
] as const;

/**
 * The reasons for which a runtime drops a frame, a message or an upgrade:
 *
 * - `unhandled`: the consumer did not handle the message type or the frame
 * - `not-json`: the consumer's handler of the message sent a value as JSON that JSON cannot hold
 * - `overflow`: the actor's mailbox was full
 * - `slow`: too many bytes waited for the client, or the client had read nothing for too long
 * - `closing`: the connection was closing (frames from the client, frames to the client, and messages)
 * - `away`: the session of the client ended while the client was away, and had not acknowledged the frames
 * - `unfinished`: a client's message took longer than `messageTimeoutMs`, or had too many fragments
 * - `unread`: too many frames of a spawned actor waited in `outgoing`, so the oldest frame was dropped
 * - `dead-letter`: the actor had stopped, or no known node had the channel
 * - `late`: the message was a reply to an ask that had already ended
 * - `garbage`: the message on the control layer did not follow the protocol between nodes
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
  /**
   * The number of times that a handler blocked the event loop for more than 50 ms. While a handler
   * blocks, the node serves no other actor. For each consumer, only the first time is reported to `onError`.
   */
  readonly blocked: number;
  /**
   * The number of clients' frames that were refused, by code: the codes of {@link ErrorCode}, and up to 100 codes
   * of {@link FrameError} and of machines. The client was told of each of them. More codes count as `other`.
   */
  readonly refusedFrames: Readonly<Record<string, number>>;
  /** The number of times that a client has resumed its session with another socket. */
  readonly resumed: number;
  readonly dropped: Readonly<Record<RuntimeDropReason, number>>;
}

const maxCodes = 100 + errorCodes.length;

export class Counters {
  #refused = 0;
  #blocked = 0;
  #resumed = 0;
  readonly #refusedFrames = new Map<string, number>(errorCodes.map((code) => [code, 0]));
  readonly #dropped = Object.fromEntries(dropReasons.map((reason) => [reason, 0])) as Record<
    RuntimeDropReason,
    number
  >;

  refuse(): void {
    this.#refused++;
  }

  resume(): void {
    this.#resumed++;
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

  snapshot(): RuntimeCounters {
    return {
      refused: this.#refused,
      blocked: this.#blocked,
      resumed: this.#resumed,
      refusedFrames: Object.fromEntries(this.#refusedFrames),
      dropped: { ...this.#dropped },
    };
  }
}
