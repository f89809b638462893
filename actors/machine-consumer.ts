import {
  type Actor,
  type ActorOptions,
  type AnyActorRef,
  type AnyEventObject,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  createActor,
  type InputFrom,
} from "xstate";
import { textOf } from "../layers/errors.ts";
import type { Delivery, Gap, Message } from "../layers/message.ts";
import { CloseCode, type Exit } from "./close-codes.ts";
import {
  Consumer,
  type ConsumerStatics,
  discard,
  receiveFrame,
  receiveMessage,
  sendFrame,
} from "./consumer.ts";
import type { AcceptOptions, ConsumerContext, Frame, RejectOptions, Scope } from "./consumer-context.ts";
import type { Overflow, Supervision } from "./consumer-options.ts";
import { onEmitted } from "./emitted-effects.ts";
import { jsonText } from "./json-text.ts";
import { NotJsonError } from "./json-values.ts";
import { type Effect, readFrame, type UnexpectedFrame } from "./machine-events.ts";
import { type ActorSnapshot, readSnapshot } from "./snapshot/actor-snapshot.ts";
import { checkState } from "./snapshot/check-state.ts";
import { fireDelays, prepareDelays, recordStarts, startedDelays } from "./snapshot/delays.ts";
import { restoreMemberships } from "./snapshot/restore-memberships.ts";

/** Marks a machine consumer's class. The key is a symbol, because any class may have a static `machine`. */
export const ownMachine = Symbol("ownMachine");

/** Options of {@link machineConsumer}: static properties of a {@link Consumer}, and machine options. */
export interface MachineConsumerOptions<
  M extends AnyStateMachine,
  L extends string | undefined,
  P extends string,
> extends Partial<Omit<ConsumerStatics, "layer" | "on">> {
  /** The name of the class, in errors and diagrams. @default the machine's id */
  readonly name?: string;
  /** The alias of the layer for the consumer's groups. */
  readonly layer?: L;
  /** Decides what happens when the machine fails. `restart` starts a new machine. @default "stop" */
  readonly supervision?: Supervision;
  /** The path parameters that `input` needs. `route` refuses a pattern without them. */
  readonly params?: readonly P[];
  /** Returns the input of the machine. */
  readonly input?: (scope: Scope<P>) => InputFrom<M>;
  /**
   * Decides about the upgrade before the machine starts. Returns options of {@link Consumer.accept}, such as
   * a subprotocol, or the status and reason of a refusal. May return a promise. An error refuses the upgrade
   * with 500.
   *
   * @default accepts each upgrade, without a subprotocol
   *
   * @example
   * accept: ({ subprotocols }) =>
   *   subprotocols.includes("v2.chat") ? { subprotocol: "v2.chat" } : { status: 400, reason: "Speak v2.chat" },
   */
  readonly accept?: (scope: Scope<P>) => Acceptance | Promise<Acceptance>;
  /** Whether to answer an unexpected text frame with an {@link UnexpectedFrame}. @default true */
  readonly answerUnexpected?: boolean;
}

/** The decision about an upgrade: accepted, or refused with an HTTP status, as by {@link Consumer.reject}. */
export type Acceptance =
  | AcceptOptions
  | ({ readonly status: number; readonly reason: string } & RejectOptions);

/** A consumer class that runs one machine per connection. */
export interface MachineConsumerClass<L extends string | undefined, P extends string>
  extends Omit<ConsumerStatics, "layer"> {
  new (context: ConsumerContext): Consumer<{ params: P }>;
  readonly name: string;
  readonly machine: AnyStateMachine;
  readonly layer: L;
}

/**
 * Returns a consumer class that runs one instance of an XState machine for each accepted connection.
 *
 * The machine receives a JSON frame with a `type` as the event `frame.<type>`, and a layer message as the
 * event `message.<type>`, so clients cannot forge internal events. See {@link FrameEvents},
 * {@link MessageEvents} and {@link ConnectionEvents}.
 *
 * The machine emits its side effects as {@link Effect} events, and so do the actors that it invokes or spawns.
 * The next event waits until the emitted effects are done. XState drops what an actor emits after it was
 * stopped. When the machine ends, its delays, invoked actors and spawned actors end, too. The connection
 * closes with 1000 if the machine reaches a final state.
 *
 * `spawn` can resume an actor from the result of {@link ActorRef.snapshot}.
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
export function machineConsumer<
  M extends AnyStateMachine,
  const L extends string | undefined = undefined,
  const P extends string = never,
>(machine: M, options: MachineConsumerOptions<M, L, P> = {}): MachineConsumerClass<L, P> {
  const { answerUnexpected = true } = options;

  class MachineConsumer extends Consumer<{ params: P }> {
    static readonly machine: AnyStateMachine = machine;
    static readonly [ownMachine]: AnyStateMachine = machine;
    static override readonly layer = options.layer as L;
    static override readonly needs = options.needs ?? [];
    static override readonly mailbox = options.mailbox ?? {};
    static override readonly outbox = options.outbox ?? {};
    static override readonly on = messageTypes(machine);
    static override readonly supervision = options.supervision ?? {};
    static override readonly handlerTimeoutMs = options.handlerTimeoutMs;
    readonly #context: ConsumerContext;
    #actor: Actor<M> | undefined;
    readonly #effects = new Set<Promise<void>>();
    /** While this is true, a failure makes `#start` throw. */
    #isStarting = false;
    #startFailures: unknown[] = [];
    #answer: unknown;
    /** While this is true, the machine handles a message, so it may emit an answer. */
    #isDelivering = false;

    constructor(context: ConsumerContext) {
      super(context);
      this.#context = context;
    }

    override get machineActor(): Actor<M> | undefined {
      return this.#actor;
    }

    override async connect(): Promise<void> {
      const { snapshot } = this.#context;
      const saved = snapshot === undefined ? undefined : readSnapshot(snapshot, machine.id);
      if (saved !== undefined) checkState(machine, saved);
      const answer = (await options.accept?.(this.scope as Scope<P>)) ?? {};
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

    override onOverflow({ dropped }: Overflow): unknown {
      this.#take({ type: "overflow", dropped });
      return this.#settled();
    }

    override [receiveFrame](frame: Frame): unknown {
      if (typeof frame !== "string") {
        if (!this.#take({ type: "binary", bytes: frame })) this.unhandled();
        return this.#settled();
      }
      const event = readFrame(frame);
      if (event === undefined || !this.#take(event)) this.#refuse(event?.frame.type);
      return this.#settled();
    }

    override [receiveMessage](message: Message, delivery: Delivery): unknown {
      this.#answer = undefined;
      this.#isDelivering = true;
      try {
        if (!this.#take({ type: `message.${message.type}`, message, delivery })) this.unhandled();
      } finally {
        this.#isDelivering = false;
      }
      return this.#settled(this.#answer) ?? this.#answer;
    }

    async #start(saved: ActorSnapshot | undefined): Promise<void> {
      const { runtime, scope } = this.#context;
      this.#isStarting = true;
      const settings: object = {
        clock: runtime.clock,
        ...(runtime.inspect && { inspect: runtime.inspect }),
        ...(saved && { snapshot: saved.state }),
        ...(options.input && { input: options.input(scope as Scope<P>) }),
      };
      // The compiler cannot determine whether an unknown machine needs an input.
      const actor = createActor(machine, settings as ActorOptions<AnyStateMachine>) as Actor<M>;
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

    /** @returns whether the machine accepted the event. */
    #take(event: AnyEventObject): boolean {
      const actor = this.#actor;
      const before = actor?.getSnapshot() as AnyMachineSnapshot | undefined;
      if (actor === undefined || before?.status !== "active") return false;
      actor.send(event as Parameters<Actor<M>["send"]>[0]);
      // `can` costs as much as `send`, so `can` is called only if the snapshot has not changed.
      return actor.getSnapshot() !== before || before.can(event);
    }

    #refuse(type: string | undefined): void {
      this.unhandled();
      if (!answerUnexpected) return;
      const expected = expectedFrames(this.#actor?.getSnapshot());
      const list = expected.length === 0 ? "nothing" : expected.join(", ");
      const refusal: UnexpectedFrame =
        type === undefined
          ? {
              type: "error",
              code: "bad_frame",
              message: "A frame must be a JSON object with a type.",
              expected,
            }
          : {
              type: "error",
              code: "unexpected",
              message: `"${type}" is not accepted in this state; accepted: ${list}.`,
              expected,
            };
      this[sendFrame](JSON.stringify(refusal));
    }

    /** Resolves with `answer` once all effects are done. Returns undefined if no effect is pending. */
    #settled(answer?: unknown): Promise<unknown> | undefined {
      if (this.#effects.size === 0) return undefined;
      return Promise.all(this.#effects).then(() => answer);
    }

    #run(effect: Effect): void {
      try {
        const doing = this.#do(effect);
        if (!(doing instanceof Promise)) return;
        // No event waits for an effect of a delayed transition, so a failure of the effect is reported here.
        const done = doing
          .catch((error: unknown) => this.#fail(error, `emit ${effect.type}`))
          .finally(() => this.#effects.delete(done));
        this.#effects.add(done);
      } catch (error) {
        this.#fail(error, `emit ${describe(effect)}`);
      }
    }

    #fail(error: unknown, stage: string): void {
      if (this.#isDelivering && error instanceof NotJsonError) this.#context.notJson(error, stage);
      else if (this.#isStarting) this.#startFailures.push(error);
      else this.#context.fail(error, stage);
    }

    #do(effect: Effect): void | Promise<void> {
      switch (effect.type) {
        case "send":
          return this[sendFrame](asFrame(effect.frame));
        case "drain":
          return this.drained();
        case "close":
          return this.close(effect.code, effect.reason);
        case "join":
          return this.groupAdd(effect.group);
        case "leave":
          return this.groupDiscard(effect.group);
        case "tag":
        case "untag":
          return this[effect.type](effect.tag);
        case "track":
          return this.track(effect.group, effect.meta, effect);
        case "untrack":
        case "watch":
        case "unwatch":
          return this[effect.type](effect.group);
        case "groupSend": {
          const except = effect.others ? { except: this.channel } : {};
          return this.#context.groups.groupSend(effect.group, effect.message, except);
        }
        case "answer":
          if (!this.#isDelivering) throw new Error(lateAnswer);
          this.#answer = effect.value;
          return undefined;
        default:
          throw new TypeError(
            `A machine and its actors can emit send, drain, close, join, leave, tag, untag, track, untrack, watch, unwatch, groupSend and answer, not ${describe(effect)}.`,
          );
      }
    }

    #failed(error: unknown): void {
      const snapshot = this.#actor?.getSnapshot() as AnyMachineSnapshot | undefined;
      const children: Record<string, AnyActorRef | undefined> = snapshot?.children ?? {};
      // XState stops a failed machine, but not its invoked and spawned actors.
      for (const child of Object.values(children)) child?.send({ type: "xstate.stop" });
      this.#fail(error, "machine");
    }
  }

  Object.defineProperty(MachineConsumer, "name", { value: options.name ?? machine.id });
  return MachineConsumer as unknown as MachineConsumerClass<L, P>;
}

/** Returns a table for {@link Consumer.on}. Its keys are the message types that the machine accepts. */
function messageTypes(machine: AnyStateMachine): object {
  const types = (machine.events as readonly string[]).flatMap((type) =>
    type.startsWith(messagePrefix) ? [type.slice(messagePrefix.length)] : [],
  );
  return Object.fromEntries(types.map((type) => [type, () => {}]));
}

const lateAnswer =
  "An answer was emitted while the machine handles no message: emit `answer` in an action of the transition " +
  "that the asked message causes. To answer later, send a message to the channel that the asker has put into its message.";

function asFrame(value: unknown): Frame {
  if (typeof value === "string" || value instanceof Uint8Array) return value;
  return jsonText(value);
}

function describe(effect: unknown): string {
  return textOf((effect as { readonly type?: unknown } | undefined)?.type ?? effect);
}

const prefix = "frame.";
const messagePrefix = "message.";

function expectedFrames(snapshot: AnyMachineSnapshot | undefined): string[] {
  if (snapshot?.status !== "active") return [];
  const descriptors = snapshot._nodes.flatMap(({ ownEvents }) => ownEvents as string[]);
  const types = descriptors.flatMap((descriptor) => {
    if (descriptor === "*") return ["*"];
    return descriptor.startsWith(prefix) ? [descriptor.slice(prefix.length)] : [];
  });
  return [...new Set(types)].sort();
}
