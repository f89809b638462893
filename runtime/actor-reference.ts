import { type Actor, type AnyActor, toPromise } from "xstate";
import { CloseCode, type connectionMachine, type Exit, type Frame } from "../actors/index.ts";
import type { Connection } from "./connection.ts";
import type { VirtualTransport } from "./virtual-transport.ts";

/** How an actor ended whose machine broke. */
const brokenExit: Exit = { code: CloseCode.failure, reason: "Internal error", by: "runtime" };

/** A spawned actor, from outside. */
export class ActorReference {
  readonly #connection: Connection;
  readonly #transport: VirtualTransport;
  #done: Promise<Exit> | undefined;

  constructor(connection: Connection, transport: VirtualTransport) {
    this.#connection = connection;
    this.#transport = transport;
  }

  /** Settles when the actor has closed and holds nothing any more. Never rejects. */
  get done(): Promise<Exit> {
    this.#done ??= toPromise(this.machine).catch(() => brokenExit);
    return this.#done;
  }

  /** Its address on its layer. @throws {UnknownLayerError} if its consumer names no layer. */
  get channel(): string {
    return this.#connection.groups.channel;
  }

  /** The running machine: `getSnapshot().value` is `"joined"`, say; `subscribe` and XState's `waitFor` work. */
  get machine(): Actor<typeof connectionMachine> {
    return this.#connection.machine;
  }

  /**
   * The actor of the machine that it runs, where {@link machineConsumer} made its consumer: another one after a restart.
   * What its `getPersistedSnapshot()` gives can be given to `spawn`.
   */
  get behaviour(): AnyActor | undefined {
    return this.#connection.behaviour;
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
    this.#connection.receive(frame);
  }

  /** Ends it as a client would that closes with 1000. Resolves as {@link done} does; may be called twice. */
  stop(): Promise<Exit> {
    this.#transport.leave(CloseCode.normal);
    return this.done;
  }
}
