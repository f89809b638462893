import type { Actor, AnyActor } from "xstate";
import type { ConnectionState, connectionMachine } from "../../actors/connection-machine.ts";
import type {
  AcceptOptions,
  ConsumerContext,
  Frame,
  RejectOptions,
  RelayRecovery,
  ResponseHeaders,
  Scope,
} from "../../actors/consumer-context.ts";
import type { SavedMemberships } from "../../actors/index.ts";
import { type AsyncErrorOwner, type ErrorOwner, runOwned } from "../async-error-owner.ts";
import type { ConsumerSettings } from "../consumer-settings.ts";
import { AcceptError, ConnectionLostError, RejectedError } from "../errors.ts";
import { checkRefusal } from "../http-response.ts";
import type { Observed } from "../inspection-hooks.ts";
import type { Dispatcher } from "../mailbox/dispatcher.ts";
import type { RuntimeContext } from "../runtime-context.ts";
import { checkCloseFrame } from "../socket/close-frame.ts";
import type { Transport } from "../socket/transport.ts";
import { ActorMessaging, type MessagingActor } from "./actor-messaging.ts";
import { ActorTimers } from "./actor-timers.ts";
import type { Membership } from "./membership.ts";

export interface ContextActor extends Observed, MessagingActor {
  readonly machine: Actor<typeof connectionMachine>;
  readonly groups: Membership;
  readonly errorOwner: AsyncErrorOwner;
  readonly inbox: Dispatcher;
  readonly runtime: ContextRuntime;
  readonly transport: Transport;
  readonly recovery: RelayRecovery | undefined;
  readonly state: ConnectionState;
  /** Marks the connection as accepted. Called after the transport has answered the upgrade. */
  join(): void;
  failed(error: unknown, stage: string): void;
}

export type ContextRuntime = Pick<
  RuntimeContext,
  | "clock"
  | "cluster"
  | "counters"
  | "inspect"
  | "inspection"
  | "instruments"
  | "layers"
  | "limits"
  | "occasionalReports"
  | "scheduler"
  | "services"
  | "settings"
  | "validateOutgoing"
  | "named"
  | "workers"
>;

/** The settings of the classes for which a missing subprotocol was reported. */
const reported = new WeakSet<ConsumerSettings>();

/** The consumers that were replaced after a failure. Their pending methods may still start timers. */
const replaced = new WeakSet<object>();

/** The context of one actor's consumers. Turns the consumer's calls into machine events, frames and messages. */
export class ActorContext implements ConsumerContext {
  readonly snapshot: unknown;
  /** An error that is already handled. The actor ignores this error if the consumer throws it again. */
  handledError: unknown;
  readonly #actor: ContextActor;
  #messaging: ActorMessaging | undefined;
  #timers: ActorTimers | undefined;
  #abort: AbortController | undefined;
  #schemaErrors: ErrorOwner | undefined;

  constructor(actor: ContextActor, snapshot: unknown) {
    this.#actor = actor;
    this.snapshot = snapshot;
  }

  get runtime(): ContextRuntime {
    return this.#actor.runtime;
  }

  get scope(): Scope {
    return this.#actor.scope;
  }

  get groups(): Membership {
    return this.#actor.groups;
  }

  get messaging(): ActorMessaging {
    this.#messaging ??= new ActorMessaging(this.#actor, this.runtime);
    return this.#messaging;
  }

  get tags(): Iterable<string> {
    return this.#messaging?.tags ?? [];
  }

  /** The tags and presences as a part of a snapshot. */
  save(): Omit<SavedMemberships, "groups"> {
    return this.#messaging?.save() ?? { tags: [], presence: [], watches: [] };
  }

  timersOf(consumer: object): ActorTimers {
    const isReplaced = replaced.has(consumer);
    const { clock } = this.runtime;
    const timers = (isReplaced ? undefined : this.#timers) ?? new ActorTimers(clock, this.#actor.inbox);
    if (isReplaced || this.#actor.isLeaving) timers.end();
    if (!isReplaced) this.#timers = timers;
    return timers;
  }

  /** Ends the timers of a consumer that another consumer is about to replace. */
  endTimersOf(consumer: object): void {
    replaced.add(consumer);
    this.#timers?.end();
    this.#timers = undefined;
  }

  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#actor.isLeaving) this.#abort.abort();
    return this.#abort.signal;
  }

  get recovery(): RelayRecovery | undefined {
    return this.#actor.recovery;
  }

  get waitingBytes(): number {
    return this.#actor.waitingBytes;
  }

  accept(options: AcceptOptions): void {
    if (this.#actor.state === "joined")
      throw this.#failNow(new AcceptError("The connection was already accepted: call accept() only once."));
    if (this.#actor.isLeaving) throw new ConnectionLostError();
    let isTaken: boolean;
    try {
      isTaken = this.#actor.transport.accept(options);
    } catch (error) {
      throw this.#failNow(error);
    }
    // The transport may have detected that the client has disconnected.
    if (this.#actor.isLeaving) throw new ConnectionLostError();
    this.#actor.join();
    if (!isTaken) this.#reportNoSubprotocol();
  }

  reject(status: number, reason: string, { headers = {} }: RejectOptions): never {
    if (this.#actor.state === "joined") {
      throw new AcceptError("The connection was already accepted: use close(code, reason).");
    }
    checkRefusal({ status, reason, headers });
    const rejected = new RejectedError(status, reason, headers);
    this.handledError = rejected;
    this.#actor.machine.send({ type: "reject", status, reason, by: "consumer" });
    throw rejected;
  }

  /** The headers that were passed to {@link reject}. */
  get refusalHeaders(): ResponseHeaders {
    return this.handledError instanceof RejectedError ? this.handledError.headers : {};
  }

  send(frame: Frame): void {
    const { state } = this.#actor;
    if (state === "connecting") throw new AcceptError("Call accept() before send().");
    if (typeof frame !== "string" && !(frame instanceof Uint8Array)) {
      throw new TypeError(
        `send() takes a string or a Uint8Array, not ${frame === null ? "null" : typeof frame}.`,
      );
    }
    if (state !== "joined") {
      this.runtime.counters.drop("closing");
      return;
    }
    this.runtime.inspection.observer?.onSend(this.#actor, frame);
    this.#actor.transport.send(frame);
  }

  drained(): Promise<void> {
    const { isLeaving, transport } = this.#actor;
    return isLeaving ? Promise.reject(ConnectionLostError.whileSending()) : transport.drained();
  }

  close(code: number, reason: string): void {
    checkCloseFrame(code, reason);
    if (this.#actor.state === "connecting") {
      throw new AcceptError("The connection is not accepted yet: use reject(status, reason).");
    }
    this.#actor.machine.send({ type: "close", code, reason, by: "consumer" });
  }

  fail(error: unknown, stage: string): void {
    this.#actor.failed(error, stage);
  }

  notJson(error: unknown, stage: string): void {
    this.#actor.inbox.dropMail(error, stage);
  }

  countRefusal(code: string): void {
    this.runtime.counters.refuseFrame(code);
    this.runtime.instruments.tracer?.onRefusal(this.#actor, code);
  }

  handlesFrame(type: string): void {
    this.#actor.inbox.handles(type);
    this.runtime.instruments.tracer?.onFrame(this.#actor, type);
  }

  reportSometimes(key: string, stage: string, error: () => unknown): void {
    const { Consumer, errorOwner } = this.#actor;
    this.runtime.occasionalReports.report(Consumer, key, error, (occasional) =>
      errorOwner.report(occasional, stage),
    );
  }

  runSchema<R>(work: () => R): R {
    this.#schemaErrors ??= {
      onAsyncError: (error) => this.reportSometimes("greenroom.failed", "frame", () => error),
    };
    return runOwned(this.#schemaErrors, work);
  }

  runNext(work: () => Promise<void>): void {
    const { errorOwner, inbox } = this.#actor;
    inbox.mailbox.runNext(() => runOwned(errorOwner, work));
  }

  runs(machineActor: AnyActor): void {
    this.runtime.inspection.observer?.onMachineStart(this.#actor, machineActor);
  }

  unhandled(): void {
    this.#actor.inbox.unhandled();
  }

  /**
   * Ends the tags, watches and timers of a leaving actor, and its presences without grace. Aborts its signal. Returns a
   * promise if that takes several turns.
   */
  leave(): Promise<unknown> | undefined {
    const leaving = this.#messaging?.leave();
    this.#timers?.end();
    if (this.#abort !== undefined) runOwned(this.#actor.errorOwner, () => this.#abort?.abort());
    return leaving;
  }

  /** Called after the last handler of a leaving actor. Returns a promise if that takes several turns. */
  endPresence(): Promise<void> | undefined {
    return this.#messaging?.endPresence();
  }

  /** Reports once for each consumer class that browsers end this connection. */
  #reportNoSubprotocol(): void {
    const { Consumer, errorOwner } = this.#actor;
    const settings = this.runtime.settings.of(Consumer);
    if (reported.has(settings)) return;
    reported.add(settings);
    const error = new AcceptError(
      `${Consumer.name} accepted a client that offers subprotocols, but chose none: browsers end such a ` +
        "connection with 1006. Pass one of scope.subprotocols to accept({ subprotocol }).",
    );
    errorOwner.report(error, "connect");
  }

  /** Makes the actor fail immediately, because the consumer may ignore the promise that `accept` returns. */
  #failNow(error: unknown): unknown {
    this.#actor.failed(error, "connect");
    this.handledError = error;
    return error;
  }
}
