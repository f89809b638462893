import { type Actor, type AnyActor, createActor, type InspectionEvent, type Observer } from "xstate";
import { CloseCode, type Exit } from "../../actors/close-codes.ts";
import { connectionLogic } from "../../actors/connection-logic.ts";
import type { ConnectionEffects, connectionMachine } from "../../actors/connection-machine.ts";
import { discard } from "../../actors/consumer.ts";
import type { AcceptOptions, ConsumerContext, Frame } from "../../actors/consumer-context.ts";
import type { Scope } from "../../actors/scope.ts";
import type { ChannelLayer } from "../../layers/channel-layer.ts";
import type { Clock } from "../../layers/clock.ts";
import { ErrorOwner, owned } from "../async-error-owner.ts";
import type { ConsumerClass } from "../consumer-class.ts";
import { Deadline, timeOf, within } from "../deadline.ts";
import { AcceptError, ConnectionLostError, HandlerTimeoutError, RejectedError } from "../errors.ts";
import { checkRefusal } from "../http-response.ts";
import type { Observed } from "../inspection-hooks.ts";
import type { ActorInbox } from "../mailbox/ask-envelope.ts";
import { Dispatcher, type DispatcherOwner } from "../mailbox/dispatcher.ts";
import { isPromise, type Mailbox } from "../mailbox/mailbox.ts";
import type { RuntimeContext } from "../runtime-context.ts";
import { checkCloseFrame } from "../socket/close-frame.ts";
import type { Transport, TransportListener } from "../socket/transport.ts";
import { ActorMessaging } from "./actor-messaging.ts";
import { Membership } from "./membership.ts";
import { type Recoverable, Recovery } from "./restart-policy.ts";
import { ShutdownSteps } from "./shutdown-steps.ts";
import type { Child } from "./supervisor.ts";

/**
 * A running actor: a consumer with its machine and its mailbox, and the transport to the other side.
 *
 * The machine decides; this class tells it what happened and does what it says. What comes in goes through the
 * dispatcher to the consumer, what the consumer wants goes to the transport or, through its membership, to the layer.
 */
export class ConsumerActor
  implements
    ConsumerContext,
    ConnectionEffects,
    TransportListener,
    DispatcherOwner,
    Recoverable,
    Child,
    Observed
{
  readonly scope: Scope;
  readonly groups: Membership;
  readonly snapshot: unknown;
  readonly machine: Actor<typeof connectionMachine>;
  readonly Consumer: ConsumerClass;
  readonly since: number;
  readonly #context: RuntimeContext;
  readonly #transport: Transport;
  readonly #dispatcher: Dispatcher;
  readonly #errorOwner: ErrorOwner;
  // The machine's state for the hot paths. (While a transition runs, the machine's own snapshot is still the old one.)
  #phase: "connecting" | "joined" | "leaving" = "connecting";
  // Before that, nobody knows how far a consumer that fails has come.
  #isConnected = false;
  #abort: AbortController | undefined;
  #deadline: Deadline | undefined;
  // An error that has been dealt with, and may come by a second time as what a handler throws.
  #owned: unknown;
  #messaging: ActorMessaging | undefined;
  #recovery: Recovery | undefined;
  #patience: ShutdownSteps | undefined;
  #terminated = false;
  #ended = false;
  #onEnded: (() => void) | undefined;

  /** @param snapshot what the consumer is to go on from, if it is not a new one. */
  constructor(
    context: RuntimeContext,
    Consumer: ConsumerClass,
    scope: Scope,
    transport: Transport,
    snapshot?: unknown,
  ) {
    this.scope = scope;
    this.snapshot = snapshot;
    this.Consumer = Consumer;
    this.since = Math.round(timeOf(context.clock));
    this.#context = context;
    this.#transport = transport;
    this.groups = new Membership(context, this);
    this.#errorOwner = new ErrorOwner(this, Consumer.name, scope.path, context.report);
    this.#dispatcher = new Dispatcher(Consumer, context, this.#errorOwner, this);
    this.machine = createActor(connectionLogic, {
      parent: context.supervisor.actor,
      input: { effects: this },
    });
    transport.listener = this;
  }

  // ---- the way in

  /**
   * Makes the consumer and runs its `connect`, which has to answer before the deadline. The promise settles with
   * `connect`; a rejection is dealt with here, so that the caller may ignore it.
   *
   * @throws {ConnectionLostError} if the connection has ended by then.
   */
  start(deadline: Deadline): Promise<void> {
    this.#deadline = deadline;
    deadline.onPassed = () => this.machine.send({ type: "deadline" });
    this.#context.supervisor.add(this);
    this.#context.cluster.begin();
    this.machine.start();
    const connecting = this.#connect();
    this.mailbox.start(connecting);
    return connecting;
  }

  async #connect(): Promise<void> {
    const opening = this.groups.open(this.#dispatcher);
    if (opening !== undefined) await opening;
    if (this.isLeaving) throw new ConnectionLostError();
    const connecting = owned(this.#errorOwner, () => {
      const consumer = new this.Consumer(this);
      this.#dispatcher.consumer = consumer;
      return consumer.connect();
    });
    // To wait for nothing is not free: Node follows each promise for whom it belongs to.
    if (isPromise(connecting)) await connecting;
    if (this.isLeaving) throw new ConnectionLostError();
    if (this.#phase === "connecting") this.accept({});
    this.#isConnected = true;
  }

  accept(options: AcceptOptions): void {
    if (this.#phase === "joined")
      throw this.#misused(new AcceptError("The connection was accepted already."));
    if (this.isLeaving) throw new ConnectionLostError();
    try {
      this.#transport.accept(options);
    } catch (error) {
      throw this.#misused(error);
    }
    // The client may turn out to be gone.
    if (this.isLeaving) throw new ConnectionLostError();
    this.#answered();
    this.#phase = "joined";
    this.machine.send({ type: "accept" });
  }

  reject(status: number, reason: string): never {
    if (this.#phase === "joined") {
      throw new AcceptError("The connection was accepted already: use close(code, reason).");
    }
    checkRefusal({ status, reason });
    this.machine.send({ type: "reject", status, reason });
    this.#owned = new RejectedError(status, reason);
    throw this.#owned;
  }

  /** Fails at once, since the promise of `accept` may be one that nobody awaits. */
  #misused(error: unknown): unknown {
    this.failed(error, "connect");
    this.#owned = error;
    return error;
  }

  get isLeaving(): boolean {
    return this.#phase === "leaving";
  }

  #answered(): void {
    this.#deadline?.cancel();
    this.#deadline = undefined;
  }

  // ---- what comes in goes through the dispatcher to the consumer

  receive(frame: Frame): void {
    this.#dispatcher.receive(frame);
  }

  unhandled(): void {
    this.#dispatcher.unhandled();
  }

  pause(): void {
    this.#transport.pause();
  }

  resume(): void {
    this.#transport.resume();
  }

  // ---- what goes out

  send(frame: Frame): void {
    if (this.#phase === "connecting") throw new AcceptError("Call accept() before send().");
    if (typeof frame !== "string" && !(frame instanceof Uint8Array)) {
      throw new TypeError(
        `send() takes a string or a Uint8Array, not ${frame === null ? "null" : typeof frame}.`,
      );
    }
    if (this.isLeaving) {
      this.#context.counters.drop("closing");
      return;
    }
    this.#context.inspection.observer?.onSend(this, frame);
    this.#transport.send(frame);
  }

  get waitingBytes(): number {
    return this.#transport.waitingBytes;
  }

  get messaging(): ActorMessaging {
    const { cluster, workers } = this.#context;
    this.#messaging ??= new ActorMessaging(cluster, workers, this, this.Consumer);
    return this.#messaging;
  }

  /** What errors call it. */
  get name(): string {
    return this.Consumer.name;
  }

  /** Where messages and questions for the actor go. */
  get inbox(): ActorInbox {
    return this.#dispatcher;
  }

  get layers(): Readonly<Record<string, ChannelLayer>> {
    return this.#context.layers;
  }

  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.isLeaving) this.#abort.abort();
    return this.#abort.signal;
  }

  get clock(): Clock {
    return this.#context.clock;
  }

  get inspect(): Observer<InspectionEvent> | undefined {
    return this.#context.inspect;
  }

  // ---- failures

  fail(error: unknown, stage: string): void {
    this.failed(error, stage);
  }

  /** The consumer failed, in one of its methods or later: its class decides what that does. */
  failed(error: unknown, stage: string): void {
    if (error === this.#owned || (this.isLeaving && isFarewell(error))) return;
    this.report(error, stage);
    if (this.isLeaving) return;
    if (!this.#isConnected) {
      this.stop();
      return;
    }
    const { settings, clock } = this.#context;
    this.#recovery ??= new Recovery(this, settings.of(this.Consumer).supervision, clock);
    const restart = this.#recovery.recover(error, stage);
    if (restart !== undefined) this.mailbox.interject(restart);
  }

  stop(): void {
    this.machine.send({ type: "fail" });
  }

  async renew(error: unknown): Promise<void> {
    const restarting = owned(this.#errorOwner, async () => {
      this.#dispatcher.consumer?.[discard]();
      const consumer = new this.Consumer(this);
      this.#dispatcher.consumer = consumer;
      await consumer.restarted(error);
    });
    const { settings, clock } = this.#context;
    const { handlerTimeoutMs } = settings.of(this.Consumer);
    if (handlerTimeoutMs === undefined) await restarting;
    else if (!(await within(new Deadline(clock, handlerTimeoutMs), restarting))) {
      throw new HandlerTimeoutError(`restarted() had not settled after ${handlerTimeoutMs} ms.`);
    }
    this.machine.send({ type: "restart" });
  }

  report(error: unknown, stage: string): void {
    this.#errorOwner.report(error, stage);
  }

  // ---- the ways out

  close(code: number, reason: string): void {
    checkCloseFrame(code, reason);
    if (this.#phase === "connecting") {
      throw new AcceptError("The connection was not accepted yet: use reject(status, reason).");
    }
    this.machine.send({ type: "close", code, reason, by: "consumer" });
  }

  shutDown(code: number, reason: string): void {
    this.machine.send({ type: "close", code, reason, by: "runtime" });
  }

  overflowed(): void {
    this.shutDown(CloseCode.overflow, "Too many messages wait");
  }

  lagging(): void {
    this.shutDown(CloseCode.slow, "Reads too slowly");
  }

  lost(code: number, reason: string): void {
    this.machine.send({ type: "lost", code, reason });
  }

  ended(): void {
    this.#ended = true;
    this.#onEnded?.();
  }

  /** Cuts the transport, and does not wait for what runs. */
  terminate(): void {
    this.#terminated = true;
    this.#transport.terminate();
    this.#patience?.end();
  }

  abandon(error: unknown): void {
    this.report(error, "machine");
    if (!this.isLeaving) this.cleanUp({ code: CloseCode.failure, reason: "Internal error", by: "runtime" });
    this.terminate();
  }

  // ---- the clean-up, which every way out leads to

  cleanUp(exit: Exit): void {
    const accepted = this.#phase === "joined";
    this.#phase = "leaving";
    this.groups.stopJoining();
    this.#messaging?.leave();
    this.#answered();
    this.#dispatcher.close();
    this.#recovery?.cancel();
    if (this.#abort !== undefined) owned(this.#errorOwner, () => this.#abort?.abort());
    if (exit.status !== undefined) this.#transport.reject(exit.status, exit.reason);
    else if (exit.by !== "client") this.#transport.close(exit.code, exit.reason);
    void this.#leave(exit.code, accepted);
  }

  async #leave(code: number, accepted: boolean): Promise<void> {
    const { clock, limits, turn } = this.#context;
    const patience = new ShutdownSteps(clock, limits.handlerGraceMs, (error, stage) =>
      this.report(error, stage),
    );
    this.#patience = patience;
    if (this.#terminated) patience.end();
    if (this.mailbox.busy) await patience.with("handler", () => this.mailbox.whenIdle());
    const leaving = patience.with("layer", () => this.groups.leave(), turn);
    if (leaving !== undefined) await leaving;
    if (accepted) {
      const { consumer } = this.#dispatcher;
      const last = () => owned(this.#errorOwner, () => consumer?.disconnect(code));
      const disconnecting = patience.with("disconnect", last);
      if (disconnecting !== undefined) await disconnecting;
    }
    // A transport ends by itself, at the latest when the other side has not answered a close frame in time.
    if (!this.#ended) {
      await new Promise<void>((resolve) => {
        this.#onEnded = resolve;
      });
    }
    this.#dispatcher.end();
    this.#errorOwner.actor = undefined;
    this.machine.send({ type: "cleaned" });
  }

  runs(machineActor: AnyActor): void {
    this.#context.inspection.observer?.onMachineStart(this, machineActor);
  }

  // ---- what shows of it

  get machineActor(): AnyActor | undefined {
    return this.#dispatcher.consumer?.machineActor;
  }

  get tags(): Iterable<string> {
    return this.#messaging?.tags ?? [];
  }

  get mailbox(): Mailbox {
    return this.#dispatcher.mailbox;
  }

  /** Whether nothing is being handled, nothing waits, and it is not on its way out. */
  get isIdle(): boolean {
    return !this.isLeaving && !this.mailbox.busy;
  }

  /** What shows of it in a snapshot of its machine. */
  toJSON(): object {
    return { consumer: this.Consumer.name, path: this.scope.path };
  }
}

/** Whether an error says no more than that the connection has gone. */
const isFarewell = (error: unknown): boolean =>
  error instanceof ConnectionLostError || (error instanceof Error && error.name === "AbortError");
