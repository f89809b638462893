import type { Exit } from "../actors/close-codes.ts";
import type { LayerTracer, TraceContext } from "../layers/tracing.ts";
import type { ConsumerClass } from "./consumer-settings.ts";
import type { Observed } from "./inspection-hooks.ts";
import type { Item } from "./mailbox/mailbox.ts";

/** The kind of an item in a mailbox. */
export type ItemKind = "frame" | "message" | "timer" | "gap" | "overflow";

/** Receives measured times. Its methods MUST be quick, and MUST NOT throw. */
export interface Meter {
  /**
   * Handlers of `count` items took `ms` milliseconds together, until their promises settled.
   * @param type the type of a message that has a handler, or of a frame that fits its contract
   */
  handled(Consumer: ConsumerClass, kind: ItemKind, type: string | undefined, ms: number, count: number): void;
  /** An item waited in a mailbox for `ms` milliseconds. */
  waited(Consumer: ConsumerClass, ms: number): void;
}

/** Traces the work of a runtime. Its methods MUST NOT throw errors of their own. */
export interface RuntimeTracer extends LayerTracer {
  /** Calls `work`, which handles an item of the actor's mailbox. Returns its result. */
  handle(actor: Observed, item: Item, work: () => unknown): unknown;
  /** Calls `work`, which calls a method of the actor's consumer. Returns its result. */
  call<R>(actor: Observed, method: "connect" | "disconnect", work: () => R, exit?: Exit): R;
  /** Calls `work`, which asks an actor, or a group of actors. Settles as `work` does. */
  ask<R>(
    operation: "ask" | "askGroup",
    destination: string,
    type: string,
    work: (trace: TraceContext | undefined) => Promise<R>,
  ): Promise<R>;
  /** Calls `work` outside of all traces: work that a traced call has scheduled, but that is not a part of it. */
  detach(work: () => void): void;
  /** Called when a frame of a contract is valid, with its type, before its handler is called. */
  onFrame(actor: Observed, type: string): void;
  /** Called when a frame was refused with `code`. */
  onRefusal(actor: Observed, code: string): void;
  /** Called when the connection begins to close. */
  onExit(actor: Observed, exit: Exit): void;
  /** Called once, when the runtime no longer waits for the actor's methods. */
  onEnd(actor: Observed): void;
}

/** The instruments of a runtime. Each is undefined until the application attaches it. */
export interface Instruments {
  /** Set while metrics are collected. */
  meter: Meter | undefined;
  tracer: RuntimeTracer | undefined;
}
