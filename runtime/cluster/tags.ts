import type { Clock } from "../../layers/clock.ts";
import { checkGroup } from "../../layers/names.ts";
import type { Counters } from "../counters.ts";
import { timeOf } from "../deadline.ts";

export interface Tagged {
  /** The value of {@link Tags.disconnects} when the connection began. */
  readonly beganAfter: number;
  shutDown(code: number, reason: string): void;
}

interface Disconnect {
  /** The number of this disconnect, counted from 1. Unlike times, numbers tell which of two events was first. */
  readonly number: number;
  /** The time of arrival on this node, in milliseconds of the runtime's clock. */
  readonly at: number;
  readonly code: number;
  readonly reason: string;
}

/** The least time for which a disconnect closes connections that get its tag later, in milliseconds. */
const minRememberedMs = 10_000;
/** The maximum number of remembered disconnects. All together, they take at most a few megabytes. */
const maxRemembered = 10_000;

/** The tags of the actors of this node, and the recent disconnects of tags. */
export class Tags {
  readonly #clock: Clock;
  readonly #counters: Counters;
  readonly #rememberedMs: number;
  readonly #actors = new Map<string, Set<Tagged>>();
  /** The last disconnect of each tag, oldest first. */
  readonly #recent = new Map<string, Disconnect>();
  #disconnects = 0;

  /** @param connectTimeoutMs the longest time that a sign-in takes. Disconnects are remembered as long. */
  constructor(clock: Clock, counters: Counters, connectTimeoutMs: number) {
    this.#clock = clock;
    this.#counters = counters;
    this.#rememberedMs = Math.max(connectTimeoutMs, minRememberedMs);
  }

  /** The number of disconnects that have arrived on this node. */
  get disconnects(): number {
    return this.#disconnects;
  }

  /**
   * Adds a tag to an actor. If the tag was recently disconnected, after the actor's connection began, closes
   * the connection instead.
   *
   * @param beganAfter 0 if all remembered disconnects of the tag apply to the actor.
   * @throws {InvalidNameError} if `tag` is not a valid name.
   */
  add(tag: string, actor: Tagged, beganAfter = actor.beganAfter): void {
    checkGroup(tag);
    if (this.#recent.size > 0) {
      this.#forgetOld();
      const disconnect = this.#recent.get(tag);
      if (disconnect !== undefined && disconnect.number > beganAfter) {
        actor.shutDown(disconnect.code, disconnect.reason);
        return;
      }
    }
    const actors = this.#actors.get(tag) ?? new Set();
    this.#actors.set(tag, actors.add(actor));
  }

  remove(tag: string, actor: Tagged): void {
    const actors = this.#actors.get(tag);
    if (actors?.delete(actor) && actors.size === 0) this.#actors.delete(tag);
  }

  count(tag: string): number {
    return this.#actors.get(tag)?.size ?? 0;
  }

  /**
   * Closes the connections of all actors with the tag. A connection that began before this call, and gets the
   * tag soon after the call, closes when it gets the tag.
   *
   * @returns the number of actors that have the tag now.
   */
  disconnect(tag: string, code: number, reason: string): number {
    this.#remember(tag, code, reason);
    const actors = [...(this.#actors.get(tag) ?? [])];
    for (const actor of actors) actor.shutDown(code, reason);
    return actors.length;
  }

  #remember(tag: string, code: number, reason: string): void {
    this.#forgetOld();
    // Deleted first, so that the map stays in order of time.
    this.#recent.delete(tag);
    if (this.#recent.size === maxRemembered) {
      const [oldest] = this.#recent.keys();
      this.#recent.delete(oldest as string);
      this.#counters.drop("forgotten");
    }
    this.#disconnects += 1;
    this.#recent.set(tag, { number: this.#disconnects, at: timeOf(this.#clock), code, reason });
  }

  #forgetOld(): void {
    const now = timeOf(this.#clock);
    for (const [tag, { at }] of this.#recent) {
      if (now - at <= this.#rememberedMs) return;
      this.#recent.delete(tag);
    }
  }
}
