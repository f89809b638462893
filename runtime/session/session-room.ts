import { Deferred } from "../../layers/deferred.ts";
import { ConnectionLostError } from "../errors.ts";
import type { SessionLog } from "./session-log.ts";
import type { SessionSocket } from "./session-socket.ts";

/** The session whose client has room for more frames, or has none. */
export interface RoomOwner {
  /** Undefined while the client is away. */
  readonly socket: SessionSocket | undefined;
  readonly isOver: boolean;
  readonly log: SessionLog;
  /** While the client is away, the log has room for half of this number of bytes. */
  readonly identity: { readonly maxLagBytes: number };
}

/** Waits for room in the write buffer of a session, across its sockets. */
export class SessionRoom {
  readonly #owner: RoomOwner;
  /** Settled by the next call of {@link changed}. */
  #change: Deferred | undefined;

  constructor(owner: RoomOwner) {
    this.#owner = owner;
  }

  /** Called when the session has got a socket, or has ended. */
  changed(): void {
    this.#change?.resolve();
    this.#change = undefined;
  }

  /** Resolves when there is room. @throws {ConnectionLostError} if the session ends before. */
  async available(): Promise<void> {
    const { identity, log } = this.#owner;
    while (!this.#owner.isOver) {
      const { socket } = this.#owner;
      if (socket === undefined) {
        if (log.bytes <= identity.maxLagBytes / 2) return;
        this.#change ??= new Deferred();
        await this.#change.promise;
        continue;
      }
      try {
        await socket.transport.drained();
        return;
      } catch (error) {
        if (this.#owner.socket === socket) throw error;
      }
    }
    throw ConnectionLostError.whileSending();
  }
}
