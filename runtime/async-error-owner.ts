import { AsyncLocalStorage } from "node:async_hooks";
import type { Observed, Report } from "./inspection-hooks.ts";

/** Whose work it is that runs. What an actor leaves behind may outlive it, and keeps no more than this alive. */
export class ErrorOwner {
  /** Undefined once it is gone. */
  actor: (Pick<Observed, "machine"> & { failed(error: unknown, stage: string): void }) | undefined;
  readonly #consumer: string;
  readonly #path: string;
  readonly #report: Report;

  constructor(actor: ErrorOwner["actor"], consumer: string, path: string, report: Report) {
    this.actor = actor;
    this.#consumer = consumer;
    this.#path = path;
    this.#report = report;
  }

  /** Something that was left behind failed: a timer, a promise that nobody awaits. */
  strayed(error: unknown): void {
    if (this.actor === undefined) this.report(error, "stray");
    else ownerless(() => this.actor?.failed(error, "stray"));
  }

  report(error: unknown, stage: string): void {
    this.#report(error, { stage, consumer: this.#consumer, path: this.#path }, this.actor);
  }
}

/** What all copies of this library in one process share: each of them alone would take the others' errors for foreign ones. */
interface Watch {
  readonly owners: AsyncLocalStorage<Pick<ErrorOwner, "strayed">>;
  watchers: number;
  listen(): void;
  unlisten(): void;
}

// Whoever changes what is shared changes the symbol.
const shared = Symbol.for("greenroom.stray.1");
const place = globalThis as { [shared]?: Watch };
place[shared] ??= createWatch();
const watch = place[shared];

/** Whose work runs just now: to be told so a second time costs nothing. */
let running: ErrorOwner | undefined;

/** Calls `work`: what it, or anything that it begins, throws where nobody catches it belongs to `owner`. */
export function owned<A extends unknown[], R>(owner: ErrorOwner, work: (...args: A) => R, ...args: A): R {
  if (owner === running) return work(...args);
  const before = running;
  running = owner;
  try {
    return watch.owners.run(owner, work, ...args);
  } finally {
    running = before;
  }
}

/** Calls `work`, which belongs to nobody, from within what may be somebody's. */
export function ownerless<R>(work: () => R): R {
  const before = running;
  running = undefined;
  try {
    return watch.owners.exit(work);
  } finally {
    running = before;
  }
}

/**
 * Gives errors that nobody caught to whom they belong, until what it returns is called. Those that belong to nobody do
 * what they would have done: other listeners hear of them, or the process ends, or whatever `--unhandled-rejections` says.
 *
 * Node knows the owner by the context of the timer, the socket or the promise; only of what `queueMicrotask` runs it has
 * forgotten it. Of an exception that belongs to nobody and ends the process, listeners for `uncaughtExceptionMonitor` hear
 * twice. With `--unhandled-rejections=strict`, a rejection that another listener for `uncaughtException` took brings no
 * warning.
 */
export function watchStrayErrors(): () => void {
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
    if (owner !== undefined) owner.strayed(error);
    else if (process.listenerCount("uncaughtException") === 1) process.nextTick(throwAlone, error);
  }

  function onRejection(reason: unknown): void {
    // There it has been an uncaught exception already.
    if (mode === "strict") return;
    const owner = owners.getStore();
    if (owner !== undefined) owner.strayed(reason);
    else if (leavesToListeners.has(mode) && process.listenerCount("unhandledRejection") === 1) {
      // Later: others of the same turn may have owners.
      process.nextTick(rejectAlone, reason);
    }
  }

  /** Throws it again where no listener of ours is left, so that Node does what it does without one. */
  function throwAlone(error: unknown): never {
    watch.unlisten();
    throw error;
  }

  function rejectAlone(reason: unknown): void {
    process.off("unhandledRejection", onRejection);
    const isEnd = mode === "throw" && process.listenerCount("uncaughtException") === 1;
    if (isEnd) process.off("uncaughtException", onException);
    void Promise.reject(reason);
    // Node looks at rejections before it comes to this.
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

/** Where a listener keeps Node from doing anything: https://nodejs.org/api/cli.html#--unhandled-rejectionsmode. */
const leavesToListeners: ReadonlySet<string> = new Set(["throw", "warn-with-error-code"]);

function rejectionMode(): string {
  const options = [process.env.NODE_OPTIONS ?? "", ...process.execArgv].join(" ");
  const given = [...options.matchAll(/--unhandled[-_]rejections[= ]"?([a-z-]+)/g)];
  return given.at(-1)?.[1] ?? "throw";
}
