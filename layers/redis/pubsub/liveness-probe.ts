import type { Clock } from "../../clock.ts";
import { asError } from "../../errors.ts";
import { jitter } from "../../jitter.ts";

export interface ProbeCommands {
  /** Subscribes to the probe's topic, over the watched connection. */
  subscribe(): Promise<unknown>;
  /** Publishes `token` to the probe's topic, over another connection. Returns the number of receivers. */
  publish(token: string): Promise<number>;
  /** Sends a ping over the watched connection. Settles with any reply, even a refusal. */
  ping(): Promise<unknown>;
  /** Called if the watched connection is open but dead. The connection has to be replaced. */
  lost(why: Error): void;
  /** Called if the server refuses the probe's topic. From then to the next `start`, the probe only pings. */
  refused(error: Error): void;
}

export interface ProbeTimes {
  /** The mean pause between two probes, in milliseconds. Each pause is random: 75 % to 125 % of the mean. */
  readonly intervalMs: number;
  readonly deadlineMs: number;
  readonly clock: Clock;
  readonly random?: () => number;
}

/**
 * Detects a subscriber's connection that is open but dead. For example, TCP reports no error if a proxy
 * drops the data of one direction, or if the server has lost the subscriptions.
 *
 * In each round, the probe pings over the watched connection, and publishes a token over another connection.
 * The watched connection must deliver the reply to the ping and, if the token was published, the token.
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

  stop(): void {
    this.#begin();
  }

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
      // The publishing connection is broken, and reports the outage itself.
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
