import type { Clock } from "../../layers/clock.ts";
import type { Commit } from "../../layers/state-backend.ts";
import type { Activation } from "./activation.ts";
import type { Work } from "./batch.ts";

/** Steps of an actor that have yet to be stored. */
export interface PendingWork {
  readonly actor: Activation;
  readonly commit: Commit;
  readonly work: Pick<Work, "answers" | "outbox">;
}

/** The actors of a partition in memory, and what each of them waits for. */
export class ActiveActors {
  readonly #clock: Clock;
  readonly #onReady: () => void;
  readonly #actors = new Map<string, Activation>();
  /** The keys whose messages to take. */
  readonly #ready = new Set<string>();
  /** The keys with a failed step, until its next try. */
  readonly #pausing = new Map<string, unknown>();
  /** The keys that were due, so that their deadline has to be stored anew. */
  readonly #due = new Set<string>();
  #pending: PendingWork[] = [];
  /** The actors whose commits are under way. */
  #committing: ReadonlySet<Activation> = new Set();
  readonly #asleep: string[] = [];

  /** @param onReady called when the pause of an actor is over. */
  constructor(clock: Clock, onReady: () => void) {
    this.#clock = clock;
    this.#onReady = onReady;
  }

  get byKey(): ReadonlyMap<string, Activation> {
    return this.#actors;
  }

  /** The number of actors with steps to store. */
  get pending(): number {
    return this.#pending.length;
  }

  /** The number of actors that have left the memory, but not in the store. */
  get asleep(): number {
    return this.#asleep.length;
  }

  get hasReady(): boolean {
    for (const key of this.#ready) if (!this.#pausing.has(key)) return true;
    return false;
  }

  get(key: string): Activation | undefined {
    return this.#actors.get(key);
  }

  add(actor: Activation): void {
    this.#actors.set(actor.key, actor);
  }

  makeReady(key: string): void {
    this.#ready.add(key);
  }

  /** Makes an actor ready whose deadline has passed. */
  makeDue(key: string): void {
    this.#due.add(key);
    this.#ready.add(key);
  }

  /** Whether the deadline of an actor has passed since the last call. */
  takeDue(key: string): boolean {
    return this.#due.delete(key);
  }

  /** Removes and returns up to `max` of the keys that are ready. */
  takeReady(max: number): readonly string[] {
    const keys: string[] = [];
    for (const key of this.#ready) {
      if (keys.length === max) break;
      if (!this.#pausing.has(key)) keys.push(key);
    }
    for (const key of keys) this.#ready.delete(key);
    return keys;
  }

  /** Leaves an actor alone for `ms` milliseconds. */
  pauseFor(key: string, ms: number, isDue: boolean): void {
    const resume = () => {
      this.#pausing.delete(key);
      if (isDue) this.#due.add(key);
      this.#ready.add(key);
      this.#onReady();
    };
    this.#pausing.set(key, this.#clock.setTimeout(resume, ms));
  }

  /** Adds steps to {@link takePending}. */
  store(work: PendingWork): void {
    this.#pending.push(work);
  }

  /** Removes and returns the steps to store. They are under way until {@link stored}. */
  takePending(): readonly PendingWork[] {
    const pending = this.#pending;
    this.#pending = [];
    this.#committing = new Set(pending.map(({ actor }) => actor));
    return pending;
  }

  stored(): void {
    this.#committing = new Set();
  }

  /** Removes and returns up to `max` of the keys of actors that have left the memory. */
  takeAsleep(max: number): readonly string[] {
    return this.#asleep.splice(0, max);
  }

  /** The store has another snapshot of an actor. The commits of the old one conflict, and the conflict removes it. */
  replaced(key: string): void {
    const actor = this.#actors.get(key);
    if (actor !== undefined && !this.#isStoring(actor)) this.drop(actor);
  }

  /** Puts actors to sleep without a step since `before`, and others if there are more than `max`. */
  sleep(before: number, max: number): void {
    for (const actor of this.#actors.values())
      if (actor.lastUsedAt <= before || this.#actors.size > max) this.putToSleep(actor);
  }

  /** Removes an actor from the memory, unless it has something to do. */
  putToSleep(actor: Activation): void {
    const { key, isBusy } = actor;
    const isIdle = !isBusy && !this.#ready.has(key) && !this.#pausing.has(key);
    if (isIdle && !this.#isStoring(actor)) this.drop(actor);
  }

  drop(actor: Activation): void {
    actor.stop();
    this.#actors.delete(actor.key);
    this.#asleep.push(actor.key);
  }

  /** Stops all actors. */
  clear(): void {
    for (const timer of this.#pausing.values()) this.#clock.clearTimeout(timer);
    for (const actor of this.#actors.values()) actor.stop();
    this.#actors.clear();
  }

  /** Whether steps of the actor are not stored yet. */
  #isStoring(actor: Activation): boolean {
    return this.#committing.has(actor) || this.#pending.some(({ actor: other }) => other === actor);
  }
}
