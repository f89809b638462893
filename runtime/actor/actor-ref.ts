import { type Actor, type AnyActor, toPromise } from "xstate";
import {
  type AskOptions,
  CloseCode,
  type connectionMachine,
  type Exit,
  type Frame,
} from "../../actors/index.ts";
import type { Message } from "../../layers/message.ts";
import { throughCodec } from "../../layers/through-codec.ts";
import type { InMemoryTransport } from "../socket/in-memory-transport.ts";
import type { ConsumerActor } from "./actor.ts";

/** The exit of an actor whose machine failed. */
const brokenExit: Exit = { code: CloseCode.failure, reason: "Internal error", by: "runtime" };

/** A reference to a spawned actor. */
export class ActorRef {
  readonly #actor: ConsumerActor;
  readonly #transport: InMemoryTransport;
  #done: Promise<Exit> | undefined;

  constructor(actor: ConsumerActor, transport: InMemoryTransport) {
    this.#actor = actor;
    this.#transport = transport;
  }

  /** Settles when the actor has closed and released its resources. Never rejects. */
  get done(): Promise<Exit> {
    this.#done ??= toPromise(this.machine).catch(() => brokenExit);
    return this.#done;
  }

  /** The actor's address, valid on every node. */
  get channel(): string {
    return this.#actor.groups.channel;
  }

  /** The running machine: `getSnapshot().value` is `"joined"`, say; `subscribe` and XState's `waitFor` work. */
  get machine(): Actor<typeof connectionMachine> {
    return this.#actor.machine;
  }

  /**
   * The actor of the machine that it runs, where {@link machineConsumer} made its consumer: another one after a restart.
   * What its `getPersistedSnapshot()` gives can be given to `spawn`.
   */
  get machineActor(): AnyActor | undefined {
    return this.#actor.machineActor;
  }

  /**
   * What it would have written to a socket, for one reader. When nobody reads, the last 1,000 frames are kept and the
   * others are counted as `unread`. The iteration ends when the actor has closed.
   */
  get outgoing(): AsyncIterableIterator<Frame> {
    return this.#transport.outgoing;
  }

  /** Gives it a frame, as a client would. Once it is on its way out, the frame is dropped and counted as `closing`. */
  receive(frame: Frame): void {
    this.#actor.receive(frame);
  }

  /**
   * Sends it a message, as over a layer: it comes later, after what was sent before, and all that a layer checks is checked.
   * To an actor that has stopped it is counted as a dead letter.
   *
   * @throws {InvalidMessageError}
   */
  send(message: Message): void {
    const { inbox, runtime } = this.#actor;
    runtime.cluster.delivery.enqueue(inbox, throughCodec(message));
  }

  /** Asks it. @throws as {@link Runtime.ask} does. */
  ask<R = unknown>(message: Message, options: AskOptions = {}): Promise<R> {
    const { Consumer, inbox, runtime } = this.#actor;
    return runtime.cluster.askInbox(inbox, Consumer.name, message, options) as Promise<R>;
  }

  /** Ends it as a client would that closes with 1000. Resolves as {@link done} does; may be called twice. */
  stop(): Promise<Exit> {
    this.#transport.leave(CloseCode.normal);
    return this.done;
  }
}
