import { AsyncLocalStorage } from "node:async_hooks";
import type { ErrorListener } from "../layers/contract.ts";

/** Whose work it is that runs. What an actor leaves behind may outlive it, and keeps no more than this alive. */
export class ErrorOwner {
  /** Undefined once it is gone. */
  actor: { failed(error: unknown, stage: string): void } | undefined;
  readonly #consumer: string;
  readonly #path: string;
  readonly #report: ErrorListener;

  constructor(actor: ErrorOwner["actor"], consumer: string, path: string, report: ErrorListener) {
    this.actor = actor;
    this.#consumer = consumer;
    this.#path = path;
    this.#report = report;
  }

  /** Something that was left behind failed: a timer, a promise that nobody awaits. */
  strayed(error: unknown): void {
    if (this.actor === undefined) this.report(error, "stray");
    else this.actor.failed(error, "stray");
  }

  report(error: unknown, stage: string): void {
    this.#report(error, { stage, consumer: this.#consumer, path: this.#path });
  }
}

const owners = new AsyncLocalStorage<ErrorOwner>();

/** Calls `work`: what it, or anything that it begins, throws where nobody catches it belongs to `owner`. */
export function owned<A extends unknown[], R>(owner: ErrorOwner, work: (...args: A) => R, ...args: A): R {
  return owners.run(owner, work, ...args);
}

let watchers = 0;

/**
 * Gives errors that nobody caught to whom they belong, until what it returns is called. Those that belong to nobody do
 * what they would have done: other listeners hear of them, or the process ends.
 *
 * Node knows the owner by the context of the timer, the socket or the promise; only of what `queueMicrotask` runs it has
 * forgotten it.
 */
export function watchStrayErrors(): () => void {
  watchers += 1;
  if (watchers === 1) {
    process.on("uncaughtException", onException);
    process.on("unhandledRejection", onRejection);
  }
  let isWatching = true;
  return () => {
    if (!isWatching) return;
    isWatching = false;
    watchers -= 1;
    if (watchers > 0) return;
    process.off("uncaughtException", onException);
    process.off("unhandledRejection", onRejection);
  };
}

function onException(error: unknown): void {
  const owner = owners.getStore();
  if (owner !== undefined) owner.strayed(error);
  else if (process.listenerCount("uncaughtException") === 1) endProcess(error);
}

function onRejection(error: unknown): void {
  const owner = owners.getStore();
  if (owner !== undefined) owner.strayed(error);
  else if (process.listenerCount("unhandledRejection") === 1) throwLater(error);
}

/** Throws it again where no listener of ours is left, so that Node does what it does without one. */
function endProcess(error: unknown): void {
  process.off("uncaughtException", onException);
  process.off("unhandledRejection", onRejection);
  throwLater(error);
}

function throwLater(error: unknown): void {
  process.nextTick(() => {
    throw error;
  });
}
