import { AsyncLocalStorage } from "node:async_hooks";

/** Receives the uncaught errors of the code that runs for it: see {@link runOwned}. */
export interface ErrorOwner {
  /** Handles the error of a timer, or of a promise that is not awaited. MUST NOT throw. */
  onAsyncError(error: unknown): void;
}

/** All copies of this library in a process share this object, so each copy finds the owners of all copies. */
interface AsyncErrorWatch {
  readonly owners: AsyncLocalStorage<ErrorOwner>;
  watchers: number;
  listen(): void;
  unlisten(): void;
}

// If you change `AsyncErrorWatch`, change this symbol, too: incompatible copies must not share an object.
const shared = Symbol.for("greenroom.async-errors.1");
const globals = globalThis as { [shared]?: AsyncErrorWatch };
globals[shared] ??= createWatch();
const watch = globals[shared];

/** The owner of the running code. A nested `runOwned` for the same owner calls `work` without overhead. */
let running: ErrorOwner | undefined;

/** Calls `work`. `owner` receives the uncaught errors of `work`, its timers and its promises. */
export function runOwned<A extends unknown[], R>(owner: ErrorOwner, work: (...args: A) => R, ...args: A): R {
  if (owner === running) return work(...args);
  const before = running;
  running = owner;
  try {
    return watch.owners.run(owner, work, ...args);
  } finally {
    running = before;
  }
}

/**
 * Calls a callback of the application as {@link runOwned} does. If it returns a thenable, converts it to a
 * promise, so that `owner` also owns the work that the thenable starts in `then`, as query builders do.
 */
export function callOwned<A extends unknown[], R>(
  owner: ErrorOwner,
  callback: (...args: A) => R,
  ...args: A
): R {
  return runOwned(owner, callToPromise, callback, args) as R;
}

function callToPromise<A extends unknown[]>(callback: (...args: A) => unknown, args: A): unknown {
  return toPromise(callback(...args));
}

/**
 * Converts a thenable to a promise, and returns other values unchanged. Some thenables start their work again
 * at each call of `then`, settle twice, or settle synchronously.
 */
export function toPromise(result: unknown): unknown {
  return isPromise(result) && !(result instanceof Promise) ? Promise.resolve(result) : result;
}

export const isPromise = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";

/** Whether `owner` owns the running code. Also true after an `await`, and in a timer. */
export const isOwnedBy = (owner: ErrorOwner): boolean => watch.owners.getStore() === owner;

/** Whether `owner` owns the synchronous code that runs. False after an `await`, and in a timer. */
export const isRunningFor = (owner: ErrorOwner): boolean => running === owner;

/** Calls `work` without an owner, even if the caller has an owner. */
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
 * Passes uncaught errors to their owners until the returned function is called. Errors without an owner keep
 * their usual effect: other listeners receive them, or Node applies its default and `--unhandled-rejections`.
 *
 * Node's async context of a timer, socket or promise determines the owner of its errors. A callback of
 * `queueMicrotask` has no owner. If an exception without an owner ends the process,
 * `uncaughtExceptionMonitor` is emitted twice. With `--unhandled-rejections=strict`, Node prints no warning
 * for a rejection that another `uncaughtException` listener handles.
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

function createWatch(): AsyncErrorWatch {
  const owners: AsyncErrorWatch["owners"] = new AsyncLocalStorage();
  const mode = rejectionMode();

  function onException(error: unknown): void {
    const owner = owners.getStore();
    if (owner !== undefined) owner.onAsyncError(error);
    else if (process.listenerCount("uncaughtException") === 1) process.nextTick(rethrow, error);
  }

  function onRejection(reason: unknown): void {
    // In strict mode, `onException` has already handled the rejection.
    if (mode === "strict") return;
    const owner = owners.getStore();
    if (owner !== undefined) owner.onAsyncError(reason);
    else if (leavesToListeners.has(mode) && process.listenerCount("unhandledRejection") === 1) {
      // Wait until Node has reported the other rejections of this turn, because these may have owners.
      process.nextTick(rejectAgain, reason);
    }
  }

  /** Removes the listeners and throws the error again, so that Node applies its default. */
  function rethrow(error: unknown): never {
    watch.unlisten();
    throw error;
  }

  function rejectAgain(reason: unknown): void {
    process.off("unhandledRejection", onRejection);
    const endsProcess = mode === "throw" && process.listenerCount("uncaughtException") === 1;
    if (endsProcess) process.off("uncaughtException", onException);
    void Promise.reject(reason);
    // Node processes the rejection before this callback runs.
    setImmediate(() => {
      if (watch.watchers > 0) watch.listen();
    });
  }

  const watch: AsyncErrorWatch = {
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

// The modes in which a listener for unhandled rejections replaces Node's default behaviour:
// https://nodejs.org/api/cli.html#--unhandled-rejectionsmode
const leavesToListeners: ReadonlySet<string> = new Set(["throw", "warn-with-error-code"]);

function rejectionMode(): string {
  const options = [process.env.NODE_OPTIONS ?? "", ...process.execArgv].join(" ");
  const given = [...options.matchAll(/--unhandled[-_]rejections[= ]"?([a-z-]+)/g)];
  return given.at(-1)?.[1] ?? "throw";
}
