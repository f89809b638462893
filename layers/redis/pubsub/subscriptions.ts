import type { BackendListener } from "../../backend.ts";
import type { Clock } from "../../clock.ts";
import { asError, LayerUnavailableError } from "../../errors.ts";
import { backoffMs } from "../../retry.ts";
import { withTimeout } from "../../with-timeout.ts";
import { atTurnEnd } from "../connection/end-of-turn.ts";
import { isRefusal } from "../connection/redis-connection.ts";

/**
 * Subscribes and unsubscribes topics at the server. A call rejects if the connection breaks or the server
 * refuses the command. Some topics of a rejected call may be subscribed nevertheless.
 */
export interface SubscriptionCommands {
  subscribe(topics: readonly string[]): Promise<unknown>;
  unsubscribe(topics: readonly string[]): Promise<unknown>;
  /** Called when a wanted topic is no longer wanted. A refusal of this topic then has no effect any more. */
  forget(topic: string): void;
}

export interface SubscribeDeadline {
  readonly ms: number;
  readonly clock: Clock;
  readonly late: () => Error;
}

interface Wanted {
  isLive: boolean;
  /** Whether payloads arrived before the reply to the subscribing command, so that an outage loses payloads. */
  isReceiving: boolean;
  /** Whether `subscribe` has resolved for this topic. If so, the caller relies on the subscription. */
  wasLive: boolean;
  settle: (error?: Error) => void;
}

type Joining = readonly [topic: string, wanted: Wanted];

/** Maximum number of topics in one command. A longer command would block the server for other clients. */
const topicsPerCommand = 1_000;

/**
 * Keeps the wanted topics subscribed over a connection that may break and reconnect. Calls of `subscribe` in
 * one turn of the event loop share a command. After a reconnect, a topic receives one gap before its next
 * payload, if the topic was subscribed before the outage and is still wanted.
 */
export class Subscriptions {
  readonly #commands: SubscriptionCommands;
  readonly #listener: BackendListener;
  readonly #deadline: SubscribeDeadline;
  readonly #wanted = new Map<string, Wanted>();
  readonly #toSubscribe = new Set<string>();
  readonly #toUnsubscribe = new Map<string, () => void>();
  readonly #gapsDue = new Set<string>();
  /** Topics that could not be subscribed. All are retried together, with growing pauses. */
  readonly #failing = new Set<string>();
  #failures = 0;
  #retry: unknown;
  /** The number of subscribing commands without a reply. */
  #subscribing = 0;
  #isRefusalReported = false;
  #isUp = false;
  /** The number of outages so far. If it changes during a command, a failure of the command is ignored. */
  #outages = 0;
  #closed: Error | undefined;

  constructor(commands: SubscriptionCommands, listener: BackendListener, deadline: SubscribeDeadline) {
    this.#commands = commands;
    this.#listener = listener;
    this.#deadline = deadline;
  }

  /** Resolves once the server has confirmed the subscription. In an outage, waits up to the deadline. */
  async subscribe(topic: string): Promise<void> {
    if (this.#closed !== undefined) throw this.#closed;
    const { ms, clock, late } = this.#deadline;
    const live = new Promise<void>((resolve, reject) => {
      const settle = (error?: Error) => (error === undefined ? resolve() : reject(error));
      this.#wanted.set(topic, { isLive: false, isReceiving: false, wasLive: false, settle });
    });
    const wanted = this.#wanted.get(topic);
    this.#scheduleFlush();
    this.#toSubscribe.add(topic);
    await withTimeout(live, ms, clock, () => {
      // The server may still execute the command, so the topic has to be unsubscribed.
      if (this.#wanted.get(topic) === wanted) void this.unsubscribe(topic);
      return late();
    });
  }

  /** Resolves once the server has replied. In an outage, resolves immediately. */
  unsubscribe(topic: string): Promise<void> {
    if (this.#wanted.delete(topic)) this.#commands.forget(topic);
    this.#gapsDue.delete(topic);
    this.#forgetFailure(topic);
    if (!this.#isUp) return Promise.resolve();
    return new Promise((resolve) => {
      this.#scheduleFlush();
      this.#toUnsubscribe.set(topic, resolve);
    });
  }

  payload(topic: string, payload: Uint8Array): void {
    // A payload may arrive before the reply to the subscribing command, but the gap has to come first.
    if (this.#gapsDue.size > 0) this.#reportGap(topic);
    if (this.#isSubscribing) this.#markReceiving(topic);
    this.#listener.payload(topic, payload);
  }

  /** Must be called after each connect, because a new connection has no subscriptions. */
  up(): void {
    this.#isUp = true;
    for (const topic of this.#wanted.keys()) this.#toSubscribe.add(topic);
    this.#flush();
  }

  down(): void {
    this.#isUp = false;
    this.#outages += 1;
    this.#cancelRetry();
    for (const [topic, wanted] of this.#wanted) {
      if (wanted.isLive || wanted.isReceiving) this.#gapsDue.add(topic);
      wanted.isLive = false;
      wanted.isReceiving = false;
    }
    for (const resolve of this.#toUnsubscribe.values()) resolve();
    this.#toUnsubscribe.clear();
  }

  /** Forgets all topics. Pending and later calls of `subscribe` reject with `error`. */
  close(error: Error): void {
    this.#closed = error;
    this.down();
    for (const { settle } of this.#wanted.values()) settle(error);
    this.#wanted.clear();
    this.#gapsDue.clear();
  }

  #scheduleFlush(): void {
    if (this.#toSubscribe.size + this.#toUnsubscribe.size === 0) atTurnEnd(() => this.#flush());
  }

  #flush(): void {
    if (!this.#isUp) return;
    // Unsubscribes first, because a topic in both `leaving` and `joining` has to end up subscribed.
    const leaving = [...this.#toUnsubscribe];
    this.#toUnsubscribe.clear();
    for (const chunk of chunks(leaving, topicsPerCommand)) void this.#unsubscribeNow(chunk);
    const joining = this.#missing(this.#toSubscribe);
    this.#toSubscribe.clear();
    for (const chunk of chunks(joining, topicsPerCommand)) void this.#subscribeNow(chunk);
  }

  #missing(topics: Iterable<string>): Joining[] {
    return [...topics].flatMap((topic) => {
      const wanted = this.#wanted.get(topic);
      return wanted === undefined || wanted.isLive ? [] : [[topic, wanted] as const];
    });
  }

  /** Sends one command per topic, so that the refusal of one topic does not affect the others. */
  #subscribeEach(topics: Iterable<string>): void {
    for (const joining of this.#missing(topics)) void this.#subscribeNow([joining]);
  }

  async #subscribeNow(joining: readonly Joining[]): Promise<void> {
    const outages = this.#outages;
    this.#subscribing += 1;
    try {
      await this.#commands.subscribe(joining.map(([topic]) => topic));
    } catch (error) {
      // If the connection broke, `up` subscribes all wanted topics again.
      if (outages === this.#outages) this.#failed(joining, asError(error));
      return;
    } finally {
      this.#subscribing -= 1;
    }
    for (const [topic, wanted] of joining) {
      if (this.#wanted.get(topic) !== wanted) continue;
      wanted.isLive = true;
      wanted.wasLive = true;
      wanted.settle();
      this.#forgetFailure(topic);
      this.#reportGap(topic);
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
        this.#forgetFailure(topic);
        wanted.settle(error);
      } else {
        this.#retryLater(topic);
        if (isRefused) this.#reportRefusal(topic, error);
      }
    }
  }

  /** Reports one refusal at most until all topics are live again, because thousands may be refused. */
  #reportRefusal(topic: string, cause: Error): void {
    if (this.#isRefusalReported) return;
    this.#isRefusalReported = true;
    const what = `"${topic}", and possibly other topics, receives nothing until the server accepts it again`;
    this.#listener.error(new LayerUnavailableError(`${cause.message} (${what})`, { cause }));
  }

  #retryLater(topic: string): void {
    this.#failing.add(topic);
    if (this.#retry !== undefined) return;
    this.#failures += 1;
    this.#retry = this.#deadline.clock.setTimeout(() => {
      this.#retry = undefined;
      this.#subscribeEach(this.#failing);
    }, backoffMs(this.#failures));
  }

  #cancelRetry(): void {
    this.#deadline.clock.clearTimeout(this.#retry);
    this.#retry = undefined;
  }

  #forgetFailure(topic: string): void {
    if (!this.#failing.delete(topic) || this.#failing.size > 0) return;
    this.#cancelRetry();
    this.#failures = 0;
    this.#isRefusalReported = false;
  }

  /** Whether a topic may be subscribed at the server although {@link Wanted.isLive} is false. */
  get #isSubscribing(): boolean {
    return this.#subscribing > 0 || this.#failing.size > 0;
  }

  #markReceiving(topic: string): void {
    const wanted = this.#wanted.get(topic);
    if (wanted !== undefined) wanted.isReceiving = true;
  }

  #reportGap(topic: string): void {
    if (this.#gapsDue.delete(topic)) this.#listener.gap(topic);
  }
}

function* chunks<T>(items: readonly T[], size: number): Generator<readonly T[]> {
  for (let from = 0; from < items.length; from += size) yield items.slice(from, from + size);
}
