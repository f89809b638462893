import type { Clock } from "../../../layers/clock.ts";

/** A clock whose timers fire when a spec says so. */
export class ManualClock implements Clock {
  /** The pending timers; their delays are in milliseconds. */
  readonly timers = new Map<object, { readonly ms: number; readonly fn: () => void }>();

  setTimeout(fn: () => void, ms: number): unknown {
    const id = {};
    this.timers.set(id, { ms, fn });
    return id;
  }

  clearTimeout(id: unknown): void {
    this.timers.delete(id as object);
  }

  /** Fires the only timer. @returns its delay, in milliseconds. */
  fire(): number {
    const [entry, ...others] = this.timers;
    if (entry === undefined || others.length > 0) throw new Error(`There are ${this.timers.size} timers.`);
    const [id, { ms, fn }] = entry;
    this.timers.delete(id);
    fn();
    return ms;
  }
}
