import {
  type ActorOptions,
  type AnyActor,
  type AnyActorRef,
  type AnyEventObject,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  createActor,
} from "xstate";
import type { Contract } from "../../contract/index.ts";
import { isPromise } from "../../layers/async-errors.ts";
import type { Delivery, Gap, Message } from "../../layers/message.ts";
import { CloseCode, type Exit } from "../close-codes.ts";
import { Consumer, discard, receiveFrame, receiveMessage } from "../consumer.ts";
import type { ConsumerContext, Frame, Scope } from "../consumer-context.ts";
import type { Overflow } from "../consumer-options.ts";
import { timedOut } from "../frame-answers.ts";
import { FrameRefusal } from "../frame-refusal.ts";
import { NotJsonError } from "../json-values.ts";
import { checkMessage } from "../message-schemas.ts";
import { ownMachine } from "../own-machine.ts";
import { type ActorSnapshot, readSnapshot } from "../snapshot/actor-snapshot.ts";
import { checkState } from "../snapshot/check-state.ts";
import { fireDelays, prepareDelays, recordStarts, startedDelays } from "../snapshot/delays.ts";
import { restoreMemberships } from "../snapshot/restore-memberships.ts";
import { onEmitted } from "./emitted-effects.ts";
import { MachineAnswers, MessageAnswer, type PendingAnswer } from "./machine-answers.ts";
import type { MachineFor } from "./machine-contract.ts";
import { nameOf, performEffect, sendMachineFrame } from "./machine-effects.ts";
import { type Effect, messageTypes } from "./machine-events.ts";
import { MachineFrames, type ReceivedFrame } from "./machine-frames.ts";
import type {
  AnyMachineConsumerOptions,
  MachineConsumerClass,
  MachineConsumerOptions,
  RequiredInput,
  WithoutInput,
} from "./machine-options.ts";

/**
 * Returns a consumer class that runs one instance of an XState machine for each accepted connection.
 *
 * The machine receives a JSON frame with a `type` as the event `frame.<type>`, and a layer message as the
 * event `message.<type>`, so clients cannot forge internal events. See {@link FrameEvents},
 * {@link MessageEvents} and {@link ConnectionEvents}. With a contract, the machine receives only the frames that fit
 * it, as {@link ContractEvents}.
 *
 * The machine emits its side effects as {@link Effect} events, and so do the actors that it invokes or spawns.
 * The next event waits until the emitted effects are done. XState drops what an actor emits after it was
 * stopped. When the machine ends, its delays, invoked actors and spawned actors end, too. The connection
 * closes with 1000 if the machine reaches a final state.
 *
 * `spawn` can resume an actor from the result of {@link ActorRef.snapshot}.
 *
 * @throws {InvalidOptionError} if the machine has no transition for a frame of the contract, or has one for a frame
 *   that the contract lacks.
 *
 * @example
 * ```ts
 * const light = setup({
 *   types: { events: {} as FrameEvents<{ press: object }>, emitted: {} as Effect },
 * }).createMachine({
 *   initial: "off",
 *   states: {
 *     off: { on: { "frame.press": { target: "on", actions: emit({ type: "send", frame: { is: "on" } }) } } },
 *     on: { after: { 60_000: "off" }, on: { "frame.press": "off" } },
 *   },
 * });
 * runtime.route("/ws/light", machineConsumer(light));
 * ```
 */
export function machineConsumer<M extends AnyStateMachine>(
  machine: M & MachineFor<M, undefined> & WithoutInput<M>,
): MachineConsumerClass<undefined, never>;
export function machineConsumer<
  M extends AnyStateMachine,
  const L extends string | undefined = undefined,
  const P extends string = never,
  K extends Contract | undefined = undefined,
  S extends object = Record<never, never>,
>(
  machine: M & MachineFor<M, K>,
  options: MachineConsumerOptions<M, L, P, K, S> & RequiredInput<M>,
): MachineConsumerClass<L, P, K, S>;
export function machineConsumer(
  machine: AnyStateMachine,
  options: AnyMachineConsumerOptions = {},
): MachineConsumerClass<string | undefined, string, Contract | undefined> {
  const { contract } = options;
  const frames = new MachineFrames(machine, contract);
  const provided = new WeakMap<object, AnyStateMachine>();

  class MachineConsumer extends Consumer<{ params: string; services: Record<never, never> }> {
    static readonly machine: AnyStateMachine = machine;
    static readonly [ownMachine]: AnyStateMachine = machine;
    static readonly contract = contract;
    static override readonly layer = options.layer;
    static override readonly needs = options.needs ?? [];
    static override readonly messages: object | undefined = options.messages;
    static override readonly mailbox = options.mailbox ?? {};
    static override readonly outbox = options.outbox ?? {};
    static override readonly limits = options.limits ?? {};
    static override readonly on = messageTypes(machine);
    static override readonly supervision = options.supervision ?? {};
    static override readonly handlerTimeoutMs = options.handlerTimeoutMs;
    readonly #context: ConsumerContext;
    readonly #answers: MachineAnswers;
    #actor: AnyActor | undefined;
    readonly #effects = new Set<Promise<void>>();
    /** While this is true, a failure makes `#start` throw. */
    #isStarting = false;
    #startFailures: unknown[] = [];
    /** Defined only while the machine takes a frame or message: only then an answer needs no id. */
    #current: PendingAnswer | undefined;
    /** The answer to a frame whose schema or effects take time. */
    #pending: PendingAnswer | undefined;

    constructor(context: ConsumerContext) {
      super(context);
      this.#context = context;
      this.#answers = new MachineAnswers(context, options);
    }

    override get machineActor(): AnyActor | undefined {
      return this.#actor;
    }

    override async connect(): Promise<void> {
      const { snapshot } = this.#context;
      const saved = snapshot === undefined ? undefined : readSnapshot(snapshot, machine.id);
      if (saved !== undefined) checkState(machine, saved);
      const answer = (await options.accept?.(this.scope)) ?? {};
      if ("status" in answer) this.reject(answer.status, answer.reason, answer);
      await this.accept(answer);
      if (saved !== undefined) await restoreMemberships(this.#context, saved);
      // The connection may have ended while the actor joined its groups.
      if (saved === undefined || !this.#context.signal.aborted) await this.#start(saved);
    }

    override async restarted(): Promise<void> {
      await this.#start(undefined);
    }

    override async disconnect(code: number, exit: Exit): Promise<void> {
      this.#take({ type: "disconnect", code, exit });
      await this.#settled();
      this[discard]();
    }

    override [discard](): void {
      this.#actor?.stop();
    }

    override onGap(gap: Gap): unknown {
      this.#take({ type: "gap", gap });
      return this.#settled();
    }

    override onAway(): unknown {
      this.#take({ type: "away" });
      return this.#settled();
    }

    override onOnline(scope: Scope): unknown {
      this.#take({ type: "online", scope });
      return this.#settled();
    }

    override onOverflow({ dropped }: Overflow): unknown {
      this.#take({ type: "overflow", dropped });
      return this.#settled();
    }

    override [receiveFrame](frame: Frame): unknown {
      this.#pending = undefined;
      if (typeof frame !== "string") {
        if (!this.#take({ type: "binary", bytes: frame })) this.unhandled();
        return this.#settled();
      }
      const { clock, limits } = this.#context.runtime;
      const deadline = { clock, timeoutMs: limits.schemaTimeoutMs };
      const read = this.#context.runSchema(() => frames.read(frame, deadline));
      if (!isPromise(read)) return this.#receive(read);
      const pending = this.#answers.toFrame(frames.unchecked(frame));
      this.#pending = pending;
      return read.then((done) => {
        if (this.#pending !== pending) return undefined;
        this.#pending = undefined;
        return this.#receive(done);
      });
    }

    /** @internal */
    [timedOut](): void {
      this.#pending?.fail();
      this.#pending = undefined;
    }

    override [receiveMessage](message: Message, delivery: Delivery): unknown {
      if (options.messages !== undefined) checkMessage(options.messages, message, this.#context);
      const answer = new MessageAnswer();
      if (!this.#handle({ type: `message.${message.type}`, message, delivery }, answer)) this.unhandled();
      return this.#settled()?.then(() => answer.value) ?? answer.value;
    }

    #receive(received: ReceivedFrame | FrameRefusal): unknown {
      if (received instanceof FrameRefusal) this.#answers.refuse(received, this.#expected);
      else {
        const { type, frame } = received;
        const answer = this.#answers.toFrame(received);
        if (contract !== undefined) this.#context.handlesFrame(type);
        const isTaken = this.#handle({ type: `frame.${type}`, frame }, answer);
        if (!isTaken) this.#answers.refuseUnexpected(received, this.#expected);
        if (this.#effects.size > 0) this.#pending = answer;
      }
      return this.#settled();
    }

    /** The machine with the implementations that need services. */
    get #provided(): AnyStateMachine {
      if (options.provide === undefined) return machine;
      const services = this.#context.runtime.services as never;
      const known = provided.get(services) ?? machine.provide(options.provide(services));
      provided.set(services, known);
      return known;
    }

    async #start(saved: ActorSnapshot | undefined): Promise<void> {
      const { runtime, scope } = this.#context;
      this.#isStarting = true;
      const settings: object = {
        clock: runtime.clock,
        ...(runtime.inspect && { inspect: runtime.inspect }),
        ...(saved && { snapshot: saved.state }),
        ...(options.input && { input: options.input(scope) }),
      };
      const actor: AnyActor = createActor(this.#provided, settings as ActorOptions<AnyStateMachine>);
      this.#actor = actor;
      this.#context.runs(actor);
      onEmitted(actor, (effect) => this.#run(effect as Effect));
      actor.subscribe({
        error: (error) => this.#failed(error),
        complete: () => {
          // An actor also completes when it is stopped.
          if ((actor.getSnapshot() as AnyMachineSnapshot).status === "done")
            this.close(CloseCode.normal, "The machine is done");
        },
      });
      recordStarts(actor, runtime.clock);
      const ended = saved && prepareDelays(actor, saved.delays, runtime.clock);
      actor.start();
      if (ended?.length) {
        const started = startedDelays(actor, ended);
        this.#context.runNext(async () => {
          fireDelays(actor, started);
          await this.#settled();
        });
      }
      await this.#settled();
      this.#isStarting = false;
      if (this.#startFailures.length > 0) throw this.#startFailures[0];
    }

    /** Like {@link #take}, for an event that the machine may answer. */
    #handle(event: AnyEventObject, answer: PendingAnswer): boolean {
      this.#current = answer;
      try {
        return this.#take(event);
      } finally {
        this.#current = undefined;
      }
    }

    /** @returns whether the machine accepted the event. */
    #take(event: AnyEventObject): boolean {
      this.#pending = undefined;
      const actor = this.#actor;
      const before = actor?.getSnapshot() as AnyMachineSnapshot | undefined;
      if (actor === undefined || before?.status !== "active") return false;
      actor.send(event as Parameters<AnyActor["send"]>[0]);
      // `can` costs as much as `send`, so `can` is called only if the snapshot has not changed.
      return actor.getSnapshot() !== before || before.can(event);
    }

    get #expected(): readonly string[] {
      return frames.expectedIn(this.#actor?.getSnapshot());
    }

    /** Resolves once all effects are done. Returns undefined if no effect is pending. */
    #settled(): Promise<unknown> | undefined {
      return this.#effects.size === 0 ? undefined : Promise.all(this.#effects);
    }

    #run(effect: Effect): void {
      // The effect may fail when the machine handles another frame already.
      const answer = this.#current;
      try {
        const doing = this.#do(effect);
        if (!(doing instanceof Promise)) return;
        // No event waits for an effect of a delayed transition, so a failure of the effect is reported here.
        const done = doing
          .catch((error: unknown) => this.#fail(error, `emit ${effect.type}`, answer))
          .finally(() => this.#effects.delete(done));
        this.#effects.add(done);
      } catch (error) {
        this.#fail(error, `emit ${nameOf(effect)}`, answer);
      }
    }

    #do(effect: Effect): void | Promise<void> {
      switch (effect.type) {
        case "send":
          return sendMachineFrame(this.#context, contract, effect.frame);
        case "reply":
          return this.#answers.performReply(effect, this.#current);
        case "refuse":
          return this.#answers.performRefuse(effect, this.#current);
        default:
          return performEffect(this.#context, effect);
      }
    }

    /** @param answer of the frame or message that has caused the failure, if it is known */
    #fail(error: unknown, stage: string, answer: PendingAnswer | undefined): void {
      if (answer instanceof MessageAnswer && error instanceof NotJsonError)
        this.#context.notJson(error, stage);
      else if (this.#isStarting) this.#startFailures.push(error);
      else {
        answer?.fail();
        this.#context.fail(error, stage);
      }
    }

    #failed(error: unknown): void {
      const snapshot = this.#actor?.getSnapshot() as AnyMachineSnapshot | undefined;
      const children: Record<string, AnyActorRef | undefined> = snapshot?.children ?? {};
      // XState stops a failed machine, but not its invoked and spawned actors.
      for (const child of Object.values(children)) child?.send({ type: "xstate.stop" });
      this.#fail(error, "machine", this.#current);
    }
  }

  Object.defineProperty(MachineConsumer, "name", { value: options.name ?? machine.id });
  return MachineConsumer;
}
