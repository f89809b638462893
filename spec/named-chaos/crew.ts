import { setTimeout as pause } from "node:timers/promises";
import { Redis } from "ioredis";
import { until } from "../layers/support/until.ts";
import type { Place } from "./kinds.ts";
import { Sender } from "./sender.ts";

export interface CrewSettings {
  readonly place: Place;
  readonly keys: number;
  /** The number of increments that each process has under way. */
  readonly inFlight: number;
  readonly pauseMs: number;
}

/** The lease of a node is 2.5 seconds. */
export const freezeMs = 3_500;

/** Three processes that run and increment counters. A process that ends is replaced. */
export class Crew {
  /** All processes of the run, also those that have ended. */
  readonly senders: Sender[] = [];
  readonly #settings: CrewSettings;
  readonly #slots: Sender[] = [];

  constructor(settings: CrewSettings) {
    this.#settings = settings;
  }

  get acked(): number {
    return this.senders.reduce((sum, { acked }) => sum + acked, 0);
  }

  async start(): Promise<void> {
    await Promise.all([0, 1, 2].map((slot) => this.#replace(slot)));
  }

  async kill(slot: number): Promise<void> {
    await this.#slots[slot]?.end("SIGKILL");
    await this.#replace(slot);
  }

  /** Stops a process for longer than its lease. */
  async freeze(slot: number): Promise<void> {
    const sender = this.#slots[slot];
    sender?.signal("SIGSTOP");
    await pause(freezeMs);
    sender?.signal("SIGCONT");
  }

  async drain(slot: number): Promise<void> {
    await this.#slots[slot]?.end("SIGTERM");
    await this.#replace(slot);
  }

  /** Ends all connections to a server, also this one. */
  async cut(url: string): Promise<void> {
    const redis = new Redis(url, { retryStrategy: null });
    for (const type of ["pubsub", "normal"])
      await redis.call("CLIENT", "KILL", "TYPE", type, "SKIPME", "yes");
    redis.disconnect();
  }

  /** Resolves once `count` more increments were acknowledged. */
  async more(count: number): Promise<void> {
    const goal = this.acked + count;
    await until(() => this.acked >= goal);
  }

  /** Resolves once each running process has sent `count` more increments, so that it has noticed each loss. */
  async eachMore(count: number): Promise<void> {
    const goals = this.#slots.map((sender) => ({ sender, goal: sender.acked + count }));
    await until(() => goals.every(({ sender, goal }) => sender.acked >= goal));
  }

  /** Ends all increments. The processes go on running the counters. */
  async silence(): Promise<void> {
    for (const sender of this.#slots) sender.signal("SIGUSR2");
    await until(() => this.#slots.every(({ isSilent }) => isSilent));
  }

  async stop(): Promise<void> {
    await Promise.all(this.senders.map((sender) => sender.end("SIGKILL")));
  }

  async #replace(slot: number): Promise<void> {
    const name = `${"abc"[slot]}${this.senders.length}`;
    const sender = await Sender.start({ ...this.#settings, name });
    this.senders.push(sender);
    this.#slots[slot] = sender;
  }
}
