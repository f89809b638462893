import type { Clock } from "../../clock.ts";
import { asError } from "../../errors.ts";
import { jitter } from "../../jitter.ts";

/** The commands of a probe on its two connections, and its findings. */
export interface ProbeCommands {
  /** Subscribes to the probe's topic, over the watched connection. */
  subscribe(): Promise<unknown>;
  /** Publishes to that topic, over the other connection. Returns how many connections received it. */
  publish(token: string): Promise<number>;
  /** Settles with any reply, even a refusal, over the watched connection. */
  ping(): Promise<unknown>;
  /** The connection looks healthy but carries nothing: it has to be replaced. */
  lost(why: Error): void;
  /** The server refused the probe's topic: from now on the probe only pings. */
  refused(error: Error): void;
}

export interface ProbeTimes {
  /** The mean pause between two probes, in milliseconds. Each pause is 75 % to 125 % of it, at random. */
  readonly intervalMs: number;
  readonly deadlineMs: number;
  readonly clock: Clock;
  readonly random?: () => number;
}

/**
 * Detects a subscriber's connection that is open but dead, which TCP does not show: a proxy swallows one
 * direction, or the server lost the subscriptions.
 *
 * A token published over the other connection has to arrive on the watched one. A ping has to be answered as
 * well, because nothing can be published while the other connection is down. The other connection needs no
 * probe, because its commands have replies.
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

  /** Leaves no timer. */
  stop(): void {
    this.#begin();
  }

  /** To be called with each payload on the probe's topic. */
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
    const due = new Set(isSubscribed ? ["reply", "echo"] : ["reply"]);
    let isPublished = false;
    const arrived = (what: string) => {
      if (round === this.#round && due.delete(what) && due.size === 0) this.#schedule(isSubscribed);
    };
    const lost = (why: string) => {
      if (round !== this.#round) return;
      this.#begin();
      this.#commands.lost(new Error(why));
    };
    this.#timer = clock.setTimeout(() => {
      if (due.has("reply")) lost(`no answer within ${deadlineMs} ms`);
      else if (isPublished) lost(`a probe did not come back within ${deadlineMs} ms`);
      // The publish failed: the other connection is broken, and reports that itself.
      else this.#schedule(isSubscribed);
    }, deadlineMs);
    const replied = () => arrived("reply");
    void this.#commands.ping().then(replied, replied);
    if (!isSubscribed) return;
    this.#echoed = () => arrived("echo");
    void this.#commands.publish(String(round)).then(
      (receivers) => {
        isPublished = true;
        if (receivers === 0) lost("the server has lost the subscriptions");
      },
      () => arrived("echo"),
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
