import type { BackendListener, Clock } from "../contract.ts";

/** How topics are subscribed at the server. A call rejects when the connection breaks, or the server refuses. */
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
  settle: (error?: Error) => void;
}

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
  #isUp = false;
  /** How often the connection broke: what a command of an earlier one ends with says nothing about this one. */
  #outages = 0;
  #isScheduled = false;
  #closed: Error | undefined;

  constructor(commands: SubscriptionCommands, listener: BackendListener, deadline: JoinDeadline) {
    this.#commands = commands;
    this.#listener = listener;
    this.#deadline = deadline;
  }

  /** Resolves once `topic` is live. In an outage that is after it, unless the deadline comes first. */
  subscribe(topic: string): Promise<void> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    return new Promise((resolve, reject) => {
      const { ms, clock, late } = this.#deadline;
      const timer = clock.setTimeout(() => this.#giveUp(topic, wanted, late()), ms);
      const wanted: Wanted = {
        isLive: false,
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
    for (const { isLive, settle } of this.#wanted.values()) if (!isLive) settle(error);
    this.#wanted.clear();
    this.#gapsDue.clear();
    this.#settleUnsubscribed();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (!this.#isUp) return;
    // Unsubscribing first: a topic that is wanted again by now is subscribed by what follows.
    const leaving = [...this.#toUnsubscribe];
    this.#toUnsubscribe.clear();
    for (const chunk of chunks(leaving)) void this.#unsubscribeNow(chunk);
    const joining = [...this.#toSubscribe].flatMap((topic) => {
      const wanted = this.#wanted.get(topic);
      return wanted === undefined || wanted.isLive ? [] : [[topic, wanted] as const];
    });
    this.#toSubscribe.clear();
    for (const chunk of chunks(joining)) void this.#subscribeNow(chunk);
  }

  async #subscribeNow(joining: readonly (readonly [string, Wanted])[]): Promise<void> {
    const outages = this.#outages;
    try {
      await this.#commands.subscribe(joining.map(([topic]) => topic));
    } catch (error) {
      // After an outage all that is wanted goes out again. A refusal is final.
      if (outages === this.#outages) this.#refused(joining, asError(error));
      return;
    }
    for (const [topic, wanted] of joining) {
      if (this.#wanted.get(topic) !== wanted) continue;
      wanted.isLive = true;
      wanted.settle();
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

  /** Joins reject; topics that had been live before an outage have nobody who waits, so the listener hears of it. */
  #refused(joining: readonly (readonly [string, Wanted])[], error: Error): void {
    for (const [topic, wanted] of joining) {
      if (this.#wanted.get(topic) === wanted) this.#wanted.delete(topic);
      wanted.settle(error);
    }
    if (joining.some(([topic]) => this.#gapsDue.delete(topic))) this.#listener.error(error);
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

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

function* chunks<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let from = 0; from < items.length; from += topicsPerCommand) {
    yield items.slice(from, from + topicsPerCommand);
  }
}
