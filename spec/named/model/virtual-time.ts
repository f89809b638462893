import crypto from "node:crypto";
import { syncBuiltinESMExports } from "node:module";

interface Timer {
  readonly at: number;
  readonly fn: () => void;
}

/** Replaces the timers and the clocks of the process, so that time passes only when the model says so. */
export class VirtualTime {
  /** The wall time, in milliseconds. */
  now = 1_800_000_000_000;
  readonly #timers = new Map<object, Timer>();
  readonly #restore: (() => void)[] = [];

  /** @param seed of `Math.random` and of the names of the nodes, so that a run can be repeated */
  install(seed: number): void {
    const start = this.now;
    let state = seed;
    this.#replace(globalThis, "setTimeout", (fn: () => void, ms = 0, ...args: never[]) => {
      const id = { unref: () => id, ref: () => id, hasRef: () => false };
      this.#timers.set(id, { at: this.now + Math.max(0, ms), fn: fn.bind(undefined, ...args) });
      return id;
    });
    this.#replace(globalThis, "clearTimeout", (id: object) => void this.#timers.delete(id));
    this.#replace(Date, "now", () => this.now);
    this.#replace(performance, "now", () => this.now - start);
    this.#replace(Math, "random", () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state / 2 ** 32;
    });
    // The name of a node contains the process id and a UUID.
    this.#replace(process, "pid", 1);
    let ids = 0;
    this.#replace(crypto, "randomUUID", () => `${seed}-${++ids}`);
    syncBuiltinESMExports();
  }

  uninstall(): void {
    for (const restore of this.#restore.splice(0)) restore();
    syncBuiltinESMExports();
    this.#timers.clear();
  }

  /** Lets the event loop turn. */
  async turns(count: number): Promise<void> {
    for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => void setImmediate(resolve));
  }

  /** Lets time pass, in milliseconds. */
  async advance(ms: number): Promise<void> {
    const end = this.now + ms;
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      const [id, { at, fn }] = next;
      this.#timers.delete(id);
      this.now = Math.max(this.now, at);
      fn();
      await this.turns(2);
    }
    this.now = end;
    await this.turns(2);
  }

  #next(end: number): readonly [object, Timer] | undefined {
    let next: readonly [object, Timer] | undefined;
    for (const entry of this.#timers) {
      if (entry[1].at <= end && (next === undefined || entry[1].at < next[1].at)) next = entry;
    }
    return next;
  }

  #replace(owner: object, name: string, value: unknown): void {
    const own = Object.getOwnPropertyDescriptor(owner, name);
    Object.defineProperty(owner, name, { value, configurable: true, writable: true });
    this.#restore.push(() => {
      if (own === undefined) Reflect.deleteProperty(owner, name);
      else Object.defineProperty(owner, name, own);
    });
  }
}
