import type { Clock } from "../../clock.ts";
import { asError } from "../../errors.ts";
import { jitter } from "../../jitter.ts";

/** What a probe does with the two connections, and what it reports. */
export interface ProbeCommands {
  /** Subscribes the probe's own topic, over the watched connection. */
  subscribe(): Promise<unknown>;
  /** Publishes to that topic, over the other connection. @returns how many connections it reached */
  publish(token: string): Promise<number>;
  /** Asks for any answer, over the watched connection. A refusal is an answer, too. */
  ping(): Promise<unknown>;
  /** The connection looks healthy but carries nothing: it has to be made anew. */
  lost(why: Error): void;
  /** The server refused the probe's topic: from now on the probe asks for answers only. */
  refused(error: Error): void;
}

export interface ProbeTimes {
  /** The mean pause between two probes, in milliseconds; each is taken at random from 75 % to 125 % of it. */
  readonly intervalMs: number;
  readonly deadlineMs: number;
  readonly clock: Clock;
  readonly random?: () => number;
}

/**
 * Detects that a subscriber's connection is up but dead, which TCP does not show: a proxy swallows one direction, or the
 * server lost the subscriptions.
 *
 * A token is published over the other connection and has to come in over the watched one. A ping has to be answered as
 * well, because nothing can be published while the other connection is down. The other connection needs no probe: its
 * commands have answers.
 */
export class LivenessProbe {
  readonly #commands: ProbeCommands;
  readonly #times: ProbeTimes;
  /** The number of the current round. Results of earlier rounds are ignored. */
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
    let isSubscribed = true;
    try {
      await this.#commands.subscribe();
    } catch (error) {
      if (round !== this.#round) return;
      isSubscribed = false;
      this.#commands.refused(asError(error));
    }
    if (round === this.#round) this.#schedule(isSubscribed);
  }

  /** The connection is gone, or about to be closed: no timer is left. */
  stop(): void {
    this.#begin();
  }

  /** A payload came in on the probe's topic. */
  received(payload: Uint8Array): void {
    if (Buffer.from(payload).toString("latin1") === String(this.#round)) this.#echoed?.();
  }

  #schedule(isSubscribed: boolean): void {
    const { intervalMs, clock, random } = this.#times;
    this.#begin();
    this.#timer = clock.setTimeout(() => this.#run(isSubscribed), jitter(intervalMs, 0.75, 1.25, random));
  }

  #run(isSubscribed: boolean): void {
    const { deadlineMs, clock } = this.#times;
    const round = this.#begin();
    const due = new Set(isSubscribed ? ["answer", "echo"] : ["answer"]);
    let isPublished = false;
    const came = (what: string) => {
      if (round === this.#round && due.delete(what) && due.size === 0) this.#schedule(isSubscribed);
    };
    const lost = (why: string) => {
      if (round !== this.#round) return;
      this.#begin();
      this.#commands.lost(new Error(why));
    };
    this.#timer = clock.setTimeout(() => {
      if (due.has("answer")) lost(`no answer within ${deadlineMs} ms`);
      else if (isPublished) lost(`a probe did not come back within ${deadlineMs} ms`);
      // Not even published: the other connection is broken, and reports that itself.
      else this.#schedule(isSubscribed);
    }, deadlineMs);
    const answered = () => came("answer");
    void this.#commands.ping().then(answered, answered);
    if (!isSubscribed) return;
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
