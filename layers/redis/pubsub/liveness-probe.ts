import type { Clock } from "../../clock.ts";
import { asError } from "../../errors.ts";

/** What a probe does to the connections that it watches, and whom it tells. */
export interface ProbeCommands {
  /** Subscribes the probe's own topic, over the connection that is watched. */
  subscribe(): Promise<unknown>;
  /** Publishes to that topic, over the other connection. @returns how many connections it reached */
  publish(token: string): Promise<number>;
  /** Asks for any answer, over the connection that is watched. A refusal is an answer, too. */
  ping(): Promise<unknown>;
  /** The connection looks healthy, but nothing comes through: it has to be made anew. */
  lost(why: Error): void;
  /** Some connections may not subscribe to the probe's topic: they are asked for answers only. */
  refused(error: Error): void;
}

/** When a probe goes out, and how long it may take. */
export interface ProbeTimes {
  /** The pause between two probes, in milliseconds; each is taken at random from 75 % to 125 % of it. */
  readonly intervalMs: number;
  readonly deadlineMs: number;
  readonly clock: Clock;
  readonly random?: () => number;
}

/**
 * Notices that a subscriber's connection is up but dead, which TCP does not tell: a proxy swallows one direction, a
 * server has forgotten what was subscribed.
 *
 * A token is published over the other connection and has to come in over this one; an answer has to come, too, since
 * nothing can be published while the other connection is down. That one watches itself: its commands have answers.
 */
export class Probe {
  readonly #commands: ProbeCommands;
  readonly #times: ProbeTimes;
  /** Which round is under way. Whatever belongs to an earlier one, or one that was stopped, says nothing. */
  #round = 0;
  #timer: unknown;
  #echoed: (() => void) | undefined;

  constructor(commands: ProbeCommands, times: ProbeTimes) {
    this.#commands = commands;
    this.#times = times;
  }

  /** There is a new connection. */
  async start(): Promise<void> {
    this.stop();
    const round = this.#round;
    let isHeard = true;
    try {
      await this.#commands.subscribe();
    } catch (error) {
      if (round !== this.#round) return;
      isHeard = false;
      this.#commands.refused(asError(error));
    }
    if (round === this.#round) this.#schedule(isHeard);
  }

  /** The connection is gone, or about to be closed: no timer is left. */
  stop(): void {
    this.#begin();
  }

  /** Something came in on the probe's topic. */
  arrived(payload: Uint8Array): void {
    if (Buffer.from(payload).toString("latin1") === String(this.#round)) this.#echoed?.();
  }

  #schedule(isHeard: boolean): void {
    const { intervalMs, clock, random = Math.random } = this.#times;
    this.#begin();
    this.#timer = clock.setTimeout(() => this.#run(isHeard), intervalMs * (0.75 + random() / 2));
  }

  #run(isHeard: boolean): void {
    const { deadlineMs, clock } = this.#times;
    const round = this.#begin();
    const due = new Set(isHeard ? ["answer", "echo"] : ["answer"]);
    let isPublished = false;
    const came = (what: string) => {
      if (round === this.#round && due.delete(what) && due.size === 0) this.#schedule(isHeard);
    };
    const lost = (why: string) => {
      if (round !== this.#round) return;
      this.#begin();
      this.#commands.lost(new Error(why));
    };
    this.#timer = clock.setTimeout(() => {
      if (due.has("answer")) lost(`no answer within ${deadlineMs} ms`);
      else if (isPublished) lost(`a probe did not come back within ${deadlineMs} ms`);
      // Not even published: that is the other connection's trouble.
      else this.#schedule(isHeard);
    }, deadlineMs);
    const answered = () => came("answer");
    void this.#commands.ping().then(answered, answered);
    if (!isHeard) return;
    this.#echoed = () => came("echo");
    void this.#commands.publish(String(round)).then(
      (receivers) => {
        isPublished = true;
        if (receivers === 0) lost("the server has forgotten what was subscribed");
      },
      () => came("echo"),
    );
  }

  #begin(): number {
    this.#times.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#echoed = undefined;
    this.#round += 1;
    return this.#round;
  }
}
