import type { BackendListener } from "../../backend.ts";
import type { Clock } from "../../clock.ts";
import { asError, LayerUnavailableError } from "../../errors.ts";
import { atTurnEnd } from "../connection/end-of-turn.ts";
import { isRefusal } from "../connection/refusal.ts";
import { Retries } from "../connection/retries.ts";
import { chunks } from "./chunks.ts";

/**
 * How topics are subscribed at the server. A call rejects when the connection breaks, or the server refuses: some of its
 * topics may be subscribed all the same.
 */
export interface SubscriptionCommands {
  subscribe(topics: readonly string[]): Promise<unknown>;
  unsubscribe(topics: readonly string[]): Promise<unknown>;
}

/** How long a subscription may take, and what its caller is told then. */
export interface JoinDeadline {
  readonly ms: number;
  readonly clock: Clock;
  readonly late: () => Error;
}

/** A topic that is wanted now. */
interface Wanted {
  isLive: boolean;
  /** Whether it has been live: whoever wanted it was told so, and relies on it. */
  wasLive: boolean;
  settle: (error?: Error) => void;
}

type Joining = readonly [topic: string, wanted: Wanted];

/** How many topics go into one command, so that a great many do not keep the server from others for long. */
const topicsPerCommand = 1_000;

/**
 * The topics that a node wants now, kept subscribed over a connection that comes and goes.
 *
 * What one turn of the event loop asks for goes out in one command. When the connection is back, what is wanted by
 * then is subscribed, not what was wanted when it broke, and every topic that had been live is reported as a gap: once,
 * when it is live again, and before anything else that arrives on it.
 */
export class Subscriptions {
  readonly #commands: SubscriptionCommands;
  readonly #listener: BackendListener;
  readonly #deadline: JoinDeadline;
  readonly #wanted = new Map<string, Wanted>();
  readonly #toSubscribe = new Set<string>();
  readonly #toUnsubscribe = new Map<string, () => void>();
  readonly #gapsDue = new Set<string>();
  readonly #retries: Retries;
  /** Whether the listener has heard that topics which had been live are refused. */
  #isRefusalTold = false;
  #isUp = false;
  /** How often the connection broke: what a command of an earlier one ends with says nothing about this one. */
  #outages = 0;
  #isScheduled = false;
  #closed: Error | undefined;

  constructor(commands: SubscriptionCommands, listener: BackendListener, deadline: JoinDeadline) {
    this.#commands = commands;
    this.#listener = listener;
    this.#deadline = deadline;
    this.#retries = new Retries(deadline.clock, (topics) => this.#subscribeEach(topics));
  }

  /** Resolves once `topic` is live. In an outage that is after it, unless the deadline comes first. */
  subscribe(topic: string): Promise<void> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    return new Promise((resolve, reject) => {
      const { ms, clock, late } = this.#deadline;
      const timer = clock.setTimeout(() => this.#giveUp(topic, wanted, late()), ms);
      const wanted: Wanted = {
        isLive: false,
        wasLive: false,
        settle(error) {
          clock.clearTimeout(timer);
          if (error === undefined) resolve();
          else reject(error);
        },
      };
      this.#wanted.set(topic, wanted);
      this.#toSubscribe.add(topic);
      this.#schedule();
    });
  }

  /** Resolves once the server has answered, and at once in an outage: the next connection will not know the topic. */
  unsubscribe(topic: string): Promise<void> {
    this.#wanted.delete(topic);
    this.#gapsDue.delete(topic);
    this.#retried(topic);
    if (!this.#isUp) return Promise.resolve();
    return new Promise((resolve) => {
      this.#toUnsubscribe.set(topic, resolve);
      this.#schedule();
    });
  }

  payload(topic: string, payload: Uint8Array): void {
    // The first topics of a command are live before the last is confirmed.
    if (this.#gapsDue.size > 0) this.#tellGap(topic);
    this.#listener.payload(topic, payload);
  }

  /** There is a new connection, which knows no topic yet. */
  up(): void {
    this.#isUp = true;
    for (const topic of this.#wanted.keys()) this.#toSubscribe.add(topic);
    this.#flush();
  }

  /** The connection is gone, and all subscriptions with it. */
  down(): void {
    this.#isUp = false;
    this.#outages += 1;
    this.#retries.pause();
    for (const [topic, wanted] of this.#wanted) {
      if (wanted.isLive) this.#gapsDue.add(topic);
      wanted.isLive = false;
    }
    this.#settleUnsubscribed();
  }

  /** Nothing is wanted any more. What is pending, or comes later, rejects with `error`. */
  close(error: Error): void {
    this.#closed = error;
    this.#isUp = false;
    this.#outages += 1;
    this.#retries.pause();
    for (const { isLive, settle } of this.#wanted.values()) if (!isLive) settle(error);
    this.#wanted.clear();
    this.#gapsDue.clear();
    this.#settleUnsubscribed();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    atTurnEnd(() => {
      this.#isScheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (!this.#isUp) return;
    // Unsubscribing first: a topic that is wanted again by now is subscribed by what follows.
    const leaving = [...this.#toUnsubscribe];
    this.#toUnsubscribe.clear();
    for (const chunk of chunks(leaving, topicsPerCommand)) void this.#unsubscribeNow(chunk);
    const joining = this.#missing(this.#toSubscribe);
    this.#toSubscribe.clear();
    for (const chunk of chunks(joining, topicsPerCommand)) void this.#subscribeNow(chunk);
  }

  /** Those of `topics` that are wanted, and not live. */
  #missing(topics: Iterable<string>): Joining[] {
    return [...topics].flatMap((topic) => {
      const wanted = this.#wanted.get(topic);
      return wanted === undefined || wanted.isLive ? [] : [[topic, wanted] as const];
    });
  }

  /** In a command each, so that one which is refused takes no other with it. */
  #subscribeEach(topics: Iterable<string>): void {
    for (const joining of this.#missing(topics)) void this.#subscribeNow([joining]);
  }

  async #subscribeNow(joining: readonly Joining[]): Promise<void> {
    const outages = this.#outages;
    try {
      await this.#commands.subscribe(joining.map(([topic]) => topic));
    } catch (error) {
      // After an outage all that is wanted goes out again.
      if (outages === this.#outages) this.#failed(joining, asError(error));
      return;
    }
    for (const [topic, wanted] of joining) {
      if (this.#wanted.get(topic) !== wanted) continue;
      wanted.isLive = true;
      wanted.wasLive = true;
      wanted.settle();
      this.#retried(topic);
      this.#tellGap(topic);
    }
  }

  async #unsubscribeNow(leaving: readonly (readonly [string, () => void])[]): Promise<void> {
    const outages = this.#outages;
    try {
      await this.#commands.unsubscribe(leaving.map(([topic]) => topic));
    } catch (error) {
      if (outages === this.#outages) this.#listener.error(asError(error));
    }
    for (const [, resolve] of leaving) resolve();
  }

  #failed(joining: readonly Joining[], error: Error): void {
    const isRefused = isRefusal(error);
    if (isRefused && joining.length > 1) {
      this.#subscribeEach(joining.map(([topic]) => topic));
      return;
    }
    for (const [topic, wanted] of joining) {
      if (this.#wanted.get(topic) !== wanted) continue;
      if (isRefused && !wanted.wasLive) {
        this.#wanted.delete(topic);
        this.#retried(topic);
        wanted.settle(error);
      } else {
        this.#retries.add(topic);
        if (isRefused) this.#tellRefusal(topic, error);
      }
    }
  }

  /** Once, until none is refused any more: one change of permissions may be about a thousand topics. */
  #tellRefusal(topic: string, cause: Error): void {
    if (this.#isRefusalTold) return;
    this.#isRefusalTold = true;
    const what = `"${topic}", and maybe others, hears nothing until it can be subscribed again`;
    this.#listener.error(new LayerUnavailableError(`${cause.message} (${what})`, { cause }));
  }

  #retried(topic: string): void {
    this.#retries.delete(topic);
    if (this.#retries.isEmpty) this.#isRefusalTold = false;
  }

  /** Too late: whatever the server may still do about it is undone. */
  #giveUp(topic: string, wanted: Wanted, error: Error): void {
    if (this.#wanted.get(topic) !== wanted) return;
    void this.unsubscribe(topic);
    wanted.settle(error);
  }

  #tellGap(topic: string): void {
    if (this.#gapsDue.delete(topic)) this.#listener.gap(topic);
  }

  #settleUnsubscribed(): void {
    for (const resolve of this.#toUnsubscribe.values()) resolve();
    this.#toUnsubscribe.clear();
  }
}
