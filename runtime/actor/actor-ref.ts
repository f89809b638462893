import { type Actor, type AnyActor, toPromise } from "xstate";
import {
  type ActorSnapshot,
  type AskOptions,
  CloseCode,
  type connectionMachine,
  type Exit,
  type Frame,
} from "../../actors/index.ts";
import type { AnyMessage, Carried } from "../../layers/carried.ts";
import type { Message } from "../../layers/message.ts";
import { type IsRunning, rejectIfAwaitedInside } from "../deadlock.ts";
import type { InMemoryTransport } from "../socket/in-memory-transport.ts";
import type { ConsumerActor } from "./actor.ts";
import { type GivenScope, SpawnedScope } from "./spawned-scope.ts";

const machineFailureExit: Exit = { code: CloseCode.failure, reason: "Internal error", by: "runtime" };

/** Resolves once the actor has closed and released its resources. Never rejects. */
export function whenClosed({ machine }: Pick<ConsumerActor, "machine">): Promise<Exit> {
  return toPromise(machine).catch(() => machineFailureExit);
}

/** A reference to a spawned actor. */
export class ActorRef {
  readonly #actor: ConsumerActor;
  readonly #transport: InMemoryTransport;
  #done: Promise<Exit> | undefined;

  constructor(actor: ConsumerActor, transport: InMemoryTransport) {
    this.#actor = actor;
    this.#transport = transport;
  }

  /**
   * Resolves once the actor has closed and released its resources.
   *
   * @throws {DeadlockError} if a handler of the actor itself asks for this promise before its first `await`, and is
   *   still pending a turn later. Otherwise, never rejects.
   */
  get done(): Promise<Exit> {
    return this.#endFor(this.#actor.callingHandler);
  }

  /** The actor's address, valid on every node. */
  get channel(): string {
    return this.#actor.groups.channel;
  }

  /** The connection's machine, for XState's `waitFor`. A running actor is in the state `joined.online`, or `joined.away`. */
  get machine(): Actor<typeof connectionMachine> {
    return this.#actor.machine;
  }

  /**
   * The XState actor of a {@link machineConsumer}'s machine. A restart of the consumer replaces this actor.
   * Its `getPersistedSnapshot()` lacks delays, groups, tags and presence. Use {@link snapshot} instead.
   */
  get machineActor(): AnyActor | undefined {
    return this.#actor.machineActor;
  }

  /**
   * Returns the state of a {@link machineConsumer}'s actor as JSON data: its machine with children and
   * delays, its groups, tags and presences. `spawn` continues from this state, in any process. The frames and
   * messages that wait for the actor are not a part of its state.
   *
   * @throws {SnapshotError} if the actor has ended, does not run a machine, or holds a value that JSON cannot
   *   hold, such as a `Date`. The message names the value and its place.
   *
   * @example
   * const saved = JSON.stringify(gate.snapshot());
   * await gate.stop();
   * const again = await runtime.spawn(Turnstile, { snapshot: JSON.parse(saved) });
   */
  snapshot(): ActorSnapshot {
    return this.#actor.snapshot();
  }

  /**
   * The frames that the actor sends. There may be only one reader. The last 1,000 unread frames are kept.
   * Older frames are dropped and counted as `unread`. The iteration ends when the actor has closed.
   *
   * The first call of `next` makes you the reader, until `return` is called, which `for await` does when it is
   * left early. While there is a reader, `drained()` of the consumer waits until at most 500 frames are unread.
   *
   * @example
   * console.log((await actor.outgoing.next()).value);
   * await actor.outgoing.return?.(); // from now on, `drained()` does not wait for you
   */
  get outgoing(): AsyncIterableIterator<Frame> {
    return this.#transport.outgoing;
  }

  /** Delivers a frame as if a client had sent it. A closing actor drops it and counts it as `closing`. */
  receive(frame: Frame): void {
    this.#actor.receive(frame);
  }

  /**
   * Checks a message as a layer does, and sends it. Messages are delivered asynchronously and in order. If
   * the actor has stopped, the message is counted as a dead letter.
   *
   * @throws {InvalidMessageError} if the message is invalid.
   */
  send<M extends AnyMessage>(message: M & Carried<M>): void {
    const { Consumer, inbox, runtime } = this.#actor;
    runtime.cluster.sendInbox(inbox, Consumer.name, message as Message);
  }

  /** Asks the actor. @throws the same errors as {@link Runtime.ask}. */
  ask<R = unknown, M extends AnyMessage = Message>(
    message: M & Carried<M>,
    options: AskOptions = {},
  ): Promise<R> {
    const { Consumer, inbox, runtime } = this.#actor;
    return runtime.cluster.askInbox(inbox, Consumer.name, message as Message, options) as Promise<R>;
  }

  /**
   * Takes the actor to the state `joined.away`, as the loss of a session's socket does, and so calls `onAway`. What the
   * actor sends meanwhile is in {@link outgoing}, too. The state has no time limit. Does nothing if the actor is away
   * already, or ends.
   *
   * @param code the close code of the lost socket
   */
  away(code: number = CloseCode.abnormal, reason = ""): void {
    this.#actor.away(code, reason);
  }

  /**
   * Takes the actor back to `joined.online`, as a client does that resumes its session, and so calls `onOnline`. Does
   * nothing if the actor is not away.
   *
   * @param scope the parts of the scope for `onOnline` that differ from the actor's own scope
   *
   * @example
   * const reader = await runtime.spawn(Reader, { user: "ada" });
   * reader.away();
   * reader.online({ query: new URLSearchParams("tab=2") });
   */
  online(scope: GivenScope = {}): void {
    if (!this.machine.getSnapshot().matches({ joined: "away" })) return;
    const { path, params, query, user } = this.#actor.scope;
    this.#actor.online(new SpawnedScope({ path, params, query, user, ...scope }));
  }

  /**
   * Stops the actor as if a client had closed with code 1000. May be called twice. Returns {@link done}. A
   * handler of the actor itself may call this method, but not await it.
   */
  stop(): Promise<Exit> {
    const { callingHandler } = this.#actor;
    this.#transport.leave(CloseCode.normal);
    return this.#endFor(callingHandler);
  }

  #endFor(callingHandler: IsRunning | undefined): Promise<Exit> {
    this.#done ??= whenClosed(this.#actor);
    return rejectIfAwaitedInside(
      this.#done,
      callingHandler,
      "an actor ends after its handlers. Do not await stop() or done there, and put later work into disconnect().",
    );
  }
}
