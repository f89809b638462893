import { type Actor, type AnyActor, createActor } from "xstate";
import { CloseCode, type Exit } from "../../actors/close-codes.ts";
import {
  type ConnectionEffects,
  connectionLogic,
  type connectionMachine,
  connectionState,
} from "../../actors/connection-machine.ts";
import { discard } from "../../actors/consumer.ts";
import type { Frame, Scope } from "../../actors/consumer-context.ts";
import type { ActorSnapshot } from "../../actors/snapshot/actor-snapshot.ts";
import type { Budget } from "../../layers/scheduling/lane.ts";
import { AsyncErrorOwner, callOwned, isPromise, isRunningFor, runOwned } from "../async-error-owner.ts";
import type { ConsumerClass } from "../consumer-settings.ts";
import { type Deadline, limitTime, timeOf } from "../deadline.ts";
import type { IsRunning } from "../deadlock.ts";
import { ConnectionLostError, LimitError } from "../errors.ts";
import { Dispatcher, type DispatcherOwner } from "../mailbox/dispatcher.ts";
import type { Mailbox } from "../mailbox/mailbox.ts";
import { refusalCauseOf } from "../refusal-cause.ts";
import type { RuntimeContext } from "../runtime-context.ts";
import type { Recovery } from "../session/recovery.ts";
import type { SessionListener } from "../session/session-options.ts";
import type { Grant } from "../sign-in/grant.ts";
import { SignIn } from "../sign-in/sign-in.ts";
import { maxReasonBytes } from "../socket/close-frame.ts";
import type { Transport } from "../socket/transport.ts";
import { truncateBytes } from "../truncate.ts";
import { ActorContext, type ContextActor, type ContextRuntime } from "./actor-context.ts";
import { Membership } from "./membership.ts";
import { recoverRelays } from "./relay-recovery.ts";
import { type Restartable, RestartPolicy } from "./restart-policy.ts";
import { saveActor } from "./save-actor.ts";
import { SessionNotices } from "./session-notices.ts";
import { ShutdownSteps } from "./shutdown-steps.ts";
import { SignedInActor } from "./signed-in-actor.ts";
import type { Child } from "./supervisor.ts";

type ActorRuntime = ContextRuntime & Pick<RuntimeContext, "events" | "report" | "signIns" | "supervisor">;

/** A running actor: a consumer, its mailbox, its connection's machine, and the transport to the client. */
export class ConsumerActor
  implements ContextActor, ConnectionEffects, SessionListener, DispatcherOwner, Restartable, Child
{
  readonly scope: Scope;
  readonly groups: Membership;
  readonly machine: Actor<typeof connectionMachine>;
  readonly Consumer: ConsumerClass;
  readonly since: number;
  readonly beganAfter: number;
  readonly errorOwner: AsyncErrorOwner;
  readonly runtime: ActorRuntime;
  readonly transport: Transport;
  readonly inbox: Dispatcher;
  readonly recovery: Recovery | undefined;
  readonly #context: ActorContext;
  #isLeaving = false;
  #isLost = false;
  #isConnected = false;
  #deadline: Deadline | undefined;
  #restartPolicy: RestartPolicy | undefined;
  #shutdown: ShutdownSteps | undefined;
  #isTerminated = false;
  #hasEnded = false;
  #onEnded: (() => void) | undefined;
  #notices: SessionNotices | undefined;
  #signIn: SignIn | undefined;

  constructor(
    runtime: ActorRuntime,
    Consumer: ConsumerClass,
    scope: Scope,
    transport: Transport,
    snapshot?: unknown,
    beganAfter = runtime.cluster.tags.disconnects,
  ) {
    this.scope = scope;
    this.Consumer = Consumer;
    this.since = Math.round(timeOf(runtime.clock));
    this.beganAfter = beganAfter;
    this.runtime = runtime;
    this.transport = transport;
    this.groups = new Membership(runtime, this);
    this.errorOwner = new AsyncErrorOwner(this, Consumer.name, scope.path, runtime.report);
    this.inbox = new Dispatcher(runtime.settings.of(Consumer), runtime, this.errorOwner, this);
    this.recovery = recoverRelays(this);
    this.groups.recovery = this.recovery;
    this.#context = new ActorContext(this, snapshot);
    this.machine = createActor(connectionLogic, {
      parent: runtime.supervisor.actor,
      input: { effects: this },
    });
    transport.listener = this;
  }

  /** Returns `closing` as soon as {@link cleanUp} starts, although XState still returns the old state. */
  get state(): ContextActor["state"] {
    return this.#isLeaving ? "closing" : connectionState(this.machine.getSnapshot());
  }

  get isLeaving(): boolean {
    return this.#isLeaving;
  }

  /**
   * The promise settles when `connect` settles. Callers may ignore a rejection, because it is also reported.
   * @throws {ConnectionLostError} if the connection ends before `connect` settles.
   */
  start(deadline: Deadline): Promise<void> {
    this.#deadline = deadline;
    deadline.onPassed = () => this.machine.send({ type: "deadline" });
    this.runtime.supervisor.add(this);
    this.runtime.cluster.start();
    this.machine.start();
    const connecting = this.#connect();
    this.mailbox.start(connecting);
    return connecting;
  }

  async #connect(): Promise<void> {
    const opening = this.groups.open(this.inbox);
    if (opening !== undefined) await opening;
    if (this.isLeaving) throw new ConnectionLostError();
    const connecting = this.#traced("connect", () =>
      callOwned(this.errorOwner, () => this.#createConsumer().connect()),
    );
    // An await takes time even for a plain value, because Node tracks the async context.
    if (isPromise(connecting)) await connecting;
    if (this.isLeaving) throw new ConnectionLostError();
    if (this.state === "connecting") this.#context.accept({});
    this.#isConnected = true;
  }

  #traced<R>(method: "connect" | "disconnect", work: () => R, exit?: Exit): R {
    const { tracer } = this.runtime.instruments;
    return tracer === undefined ? work() : tracer.call(this, method, work, exit);
  }

  #createConsumer() {
    const consumer = new this.Consumer(this.#context);
    this.inbox.consumer = consumer;
    return consumer;
  }

  join(): void {
    this.#cancelDeadline();
    this.machine.send({ type: "accept" });
    this.runtime.events.joined(this);
  }

  #cancelDeadline(): void {
    this.#deadline?.cancel();
    this.#deadline = undefined;
  }

  receive(frame: Frame, budget?: Budget): void {
    this.inbox.receive(frame, budget);
  }

  /** Reports an error of the consumer, then does what the `supervision` of the consumer's class says. */
  failed(error: unknown, stage: string): void {
    const isEnding = this.isLeaving || this.#isLost;
    const isHandled = error !== undefined && error === this.#context.handledError;
    if (isHandled || (isEnding && isCausedByEnd(error))) return;
    this.report(error, stage);
    if (this.isLeaving) return;
    // It is unknown which part of the failed `connect` took effect, so the consumer cannot be restarted.
    if (!this.#isConnected) {
      this.stop(error);
      return;
    }
    const { settings, clock } = this.runtime;
    this.#restartPolicy ??= new RestartPolicy(this, settings.of(this.Consumer).supervision, clock);
    const restart = this.#restartPolicy.onFailure(error, stage);
    if (restart !== undefined) this.mailbox.runNext(restart);
  }

  stop(error: unknown): void {
    if (error instanceof LimitError)
      this.shutDown(CloseCode.limit, truncateBytes(error.message, maxReasonBytes));
    else this.machine.send({ type: "fail" });
  }

  async restart(error: unknown): Promise<void> {
    const restarting = runOwned(this.errorOwner, async () => {
      const { consumer } = this.inbox;
      consumer?.[discard]();
      if (consumer !== undefined) this.#context.endTimersOf(consumer);
      await this.#createConsumer().restarted(error);
    });
    const { settings, clock } = this.runtime;
    const { handlerTimeoutMs } = settings.of(this.Consumer);
    await limitTime("restarted", restarting, handlerTimeoutMs, clock);
    this.machine.send({ type: "restart" });
  }

  report(error: unknown, stage: string): void {
    this.errorOwner.report(error, stage);
  }

  shutDown(code: number, reason: string): void {
    this.machine.send({ type: "close", code, reason, by: "runtime" });
  }

  overflowed(): void {
    this.shutDown(CloseCode.overflow, "Too many messages wait");
  }

  lagging(reason: string): void {
    this.shutDown(CloseCode.slow, reason);
  }

  exceeded(code: number, reason: string): void {
    this.shutDown(code, reason);
  }

  /** Only the first call counts: it states the cause. */
  lost(code: number, reason: string): void {
    if (this.#isLost) return;
    this.#isLost = true;
    this.mailbox.drain(() => this.machine.send({ type: "lost", code, reason }));
  }

  away(code: number, reason: string): void {
    if (this.isLeaving) return;
    this.machine.send({ type: "away", code, reason });
    this.runtime.events.away(this, code, reason);
    this.#sessionNotices?.away();
  }

  online(scope: Scope): void {
    if (this.isLeaving) return;
    this.machine.send({ type: "online" });
    this.runtime.events.resumed(this, scope);
    this.#sessionNotices?.online(scope);
  }

  /** Limits the connection to the time of `grants`, which take the place of earlier ones. */
  admit(grants: readonly Grant[] | undefined, scope: Scope): void {
    this.#signIn?.end();
    this.#signIn = grants && new SignIn(this.runtime.signIns, new SignedInActor(this), grants, scope);
  }

  takeToken(token: unknown): boolean {
    return this.#signIn?.takeToken(token) ?? true;
  }

  get #sessionNotices(): SessionNotices | undefined {
    if (SessionNotices.isWanted(this.Consumer)) this.#notices ??= new SessionNotices(this.inbox);
    return this.#notices;
  }

  ended(): void {
    this.#hasEnded = true;
    this.#onEnded?.();
  }

  /** Terminates the transport, and stops waiting for handlers. */
  terminate(): void {
    this.#isTerminated = true;
    this.transport.terminate();
    this.#shutdown?.abort();
  }

  abandon(error: unknown): void {
    this.report(error, "machine");
    if (!this.isLeaving) this.cleanUp({ code: CloseCode.failure, reason: "Internal error", by: "runtime" });
    this.terminate();
  }

  cleanUp(exit: Exit): void {
    const wasJoined = this.state === "joined";
    this.#isLeaving = true;
    this.runtime.instruments.tracer?.onExit(this, exit);
    this.groups.stopJoining();
    this.#cancelDeadline();
    this.inbox.close();
    this.#restartPolicy?.cancel();
    const ending = this.#context.leave();
    this.recovery?.end();
    this.#signIn?.end();
    this.runtime.events.ended(this, exit, wasJoined);
    const { status, reason } = exit;
    if (wasJoined) this.runtime.settings.of(this.Consumer).counts.close(exit);
    if (status !== undefined) {
      this.transport.reject({
        status,
        reason,
        headers: this.#context.refusalHeaders,
        cause: refusalCauseOf(exit),
      });
    } else if (exit.by !== "client") this.transport.close(exit.code, exit.reason);
    void this.#leave(exit, wasJoined, ending);
  }

  /** @param ending the end of the actor's tags, presences and watches, if it takes several turns. */
  async #leave(exit: Exit, wasJoined: boolean, ending: Promise<unknown> | undefined): Promise<void> {
    const { clock, limits, scheduler } = this.runtime;
    const steps = new ShutdownSteps(clock, limits.handlerGraceMs, (error, stage) =>
      this.report(error, stage),
    );
    this.#shutdown = steps;
    if (this.#isTerminated) steps.abort();
    if (this.mailbox.busy) await steps.run("handler", () => this.mailbox.whenIdle());
    // `disconnect` is the last method, so no handler may run after a schema that settles later.
    if (this.mailbox.busy) this.inbox.abandonFrame();
    const leaving = steps.run("layer", () => this.groups.leave(), scheduler.flushes);
    if (leaving !== undefined) await leaving;
    if (wasJoined) {
      const { consumer } = this.inbox;
      const disconnecting = steps.run("disconnect", () =>
        this.#traced(
          "disconnect",
          () => callOwned(this.errorOwner, () => consumer?.disconnect(exit.code, exit)),
          exit,
        ),
      );
      if (disconnecting !== undefined) await disconnecting;
    }
    if (ending !== undefined) await ending;
    const endingPresence = this.#context.endPresence();
    if (endingPresence !== undefined) await endingPresence;
    // The transport ends by itself, within its close timeout.
    if (!this.#hasEnded) {
      await new Promise<void>((resolve) => {
        this.#onEnded = resolve;
      });
    }
    this.inbox.end();
    this.errorOwner.actor = undefined;
    this.machine.send({ type: "cleaned" });
  }

  get machineActor(): AnyActor | undefined {
    return this.inbox.consumer?.machineActor;
  }

  /** @throws {SnapshotError} if the actor cannot be saved now. */
  snapshot(): ActorSnapshot {
    return saveActor(this, this.#context);
  }

  get tags(): Iterable<string> {
    return this.#context.tags;
  }

  get mailbox(): Mailbox {
    return this.inbox.mailbox;
  }

  get waitingBytes(): number {
    return this.transport.waitingBytes;
  }

  /**
   * Undefined unless the synchronous part of a method of this actor's consumer calls this. After an `await`, and
   * in a timer, the calling method is unknown: other code, which no method awaits, has the same async context.
   */
  get callingHandler(): IsRunning | undefined {
    if (!this.#isHandling || !isRunningFor(this.errorOwner)) return undefined;
    const { begun } = this.mailbox;
    return () => this.#isHandling && this.mailbox.begun === begun;
  }

  /** Whether a method of the consumer is pending, so that the end of the actor waits for it. */
  get #isHandling(): boolean {
    if (this.errorOwner.actor === undefined) return false;
    return this.mailbox.busy || this.#shutdown?.stage === "disconnect";
  }

  get isIdle(): boolean {
    return !this.isLeaving && !this.mailbox.busy && !this.#signIn?.isRenewing;
  }

  toJSON(): object {
    return { consumer: this.Consumer.name, path: this.scope.path };
  }
}

const isCausedByEnd = (error: unknown): boolean =>
  error instanceof ConnectionLostError || (error instanceof Error && error.name === "AbortError");
