import { AsyncLocalStorage } from "node:async_hooks";
import type { Observed, Report } from "./inspection-hooks.ts";

/**
 * The owner of errors that nothing catches: an actor, or a worker. Timers and promises may outlive their actor; they keep
 * only this object alive.
 */
export class AsyncErrorOwner {
  /** Undefined once the actor has ended, and for a worker. */
  actor: (Pick<Observed, "machine"> & { failed(error: unknown, stage: string): void }) | undefined;
  readonly #consumer: string;
  readonly #path: string;
  readonly #report: Report;

  constructor(actor: AsyncErrorOwner["actor"], consumer: string, path: string, report: Report) {
    this.actor = actor;
    this.#consumer = consumer;
    this.#path = path;
    this.#report = report;
  }

  /** A timer failed, or a promise that nothing awaits. */
  onAsyncError(error: unknown): void {
    if (this.actor === undefined) this.report(error, "stray");
    else runUnowned(() => this.actor?.failed(error, "stray"));
  }

  report(error: unknown, stage: string): void {
    this.#report(error, { stage, consumer: this.#consumer, path: this.#path }, this.actor);
  }
}

/** Shared by all copies of this library in the process: otherwise each would take the others' errors for foreign ones. */
interface Watch {
  readonly owners: AsyncLocalStorage<Pick<AsyncErrorOwner, "onAsyncError">>;
  watchers: number;
  listen(): void;
  unlisten(): void;
}

// A change of `Watch` needs a new symbol.
const shared = Symbol.for("greenroom.async-errors.1");
const globals = globalThis as { [shared]?: Watch };
globals[shared] ??= createWatch();
const watch = globals[shared];

/** The owner of the running code: setting it again costs nothing. */
let running: AsyncErrorOwner | undefined;

/** Calls `work`. Errors that it, or what it starts, throws and nothing catches belong to `owner`. */
export function runOwned<A extends unknown[], R>(
  owner: AsyncErrorOwner,
  work: (...args: A) => R,
  ...args: A
): R {
  if (owner === running) return work(...args);
  const before = running;
  running = owner;
  try {
    return watch.owners.run(owner, work, ...args);
  } finally {
    running = before;
  }
}

/** Calls `work` without an owner, also from code that has one. */
export function runUnowned<R>(work: () => R): R {
  const before = running;
  running = undefined;
  try {
    return watch.owners.exit(work);
  } finally {
    running = before;
  }
}

/**
 * Passes uncaught errors to their owners, until the returned function is called. Errors without an owner have their usual
 * effect: other listeners get them, the process ends, or what `--unhandled-rejections` says.
 *
 * Node finds the owner by the async context of the timer, the socket or the promise; `queueMicrotask` loses it. For an
 * exception without an owner that ends the process, listeners for `uncaughtExceptionMonitor` are called twice. With
 * `--unhandled-rejections=strict`, a rejection that another listener for `uncaughtException` took causes no warning.
 */
export function watchAsyncErrors(): () => void {
  watch.watchers += 1;
  if (watch.watchers === 1) watch.listen();
  let isWatching = true;
  return () => {
    if (!isWatching) return;
    isWatching = false;
    watch.watchers -= 1;
    if (watch.watchers === 0) watch.unlisten();
  };
}

function createWatch(): Watch {
  const owners: Watch["owners"] = new AsyncLocalStorage();
  const mode = rejectionMode();

  function onException(error: unknown): void {
    const owner = owners.getStore();
    if (owner !== undefined) owner.onAsyncError(error);
    else if (process.listenerCount("uncaughtException") === 1) process.nextTick(throwAlone, error);
  }

  function onRejection(reason: unknown): void {
    // In this mode it was an uncaught exception before.
    if (mode === "strict") return;
    const owner = owners.getStore();
    if (owner !== undefined) owner.onAsyncError(reason);
    else if (leavesToListeners.has(mode) && process.listenerCount("unhandledRejection") === 1) {
      // Later: other rejections of this turn may have owners.
      process.nextTick(rejectAlone, reason);
    }
  }

  /** Throws it again without our listeners, so that Node applies its default. */
  function throwAlone(error: unknown): never {
    watch.unlisten();
    throw error;
  }

  function rejectAlone(reason: unknown): void {
    process.off("unhandledRejection", onRejection);
    const isEnd = mode === "throw" && process.listenerCount("uncaughtException") === 1;
    if (isEnd) process.off("uncaughtException", onException);
    void Promise.reject(reason);
    // Node processes rejections before this runs.
    setImmediate(() => {
      if (watch.watchers > 0) watch.listen();
    });
  }

  const watch: Watch = {
    owners,
    watchers: 0,
    listen() {
      watch.unlisten();
      process.on("uncaughtException", onException);
      process.on("unhandledRejection", onRejection);
    },
    unlisten() {
      process.off("uncaughtException", onException);
      process.off("unhandledRejection", onRejection);
    },
  };
  return watch;
}

/** The modes in which a listener replaces Node's default: https://nodejs.org/api/cli.html#--unhandled-rejectionsmode. */
const leavesToListeners: ReadonlySet<string> = new Set(["throw", "warn-with-error-code"]);

function rejectionMode(): string {
  const options = [process.env.NODE_OPTIONS ?? "", ...process.execArgv].join(" ");
  const given = [...options.matchAll(/--unhandled[-_]rejections[= ]"?([a-z-]+)/g)];
  return given.at(-1)?.[1] ?? "throw";
}
