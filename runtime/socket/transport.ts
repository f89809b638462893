import type { AcceptOptions, Frame } from "../../actors/index.ts";

/** The way to the other side of a connection: a WebSocket, or memory for an actor without one. */
export interface Transport {
  /** Bytes that were sent and wait for the other side to read them. */
  readonly waitingBytes: number;
  /** Set once, by the actor, before anything else. */
  listener: TransportListener | undefined;
  /** Answers the upgrade with 101. @throws {AcceptError} if the response cannot hold the options. */
  accept(options: AcceptOptions): void;
  /** Answers the upgrade with an HTTP error. */
  reject(status: number, reason: string): void;
  /** Queues a frame. All frames of one turn of the event loop are written at its end, in order. */
  send(frame: Frame): void;
  /** Writes what is queued, then starts the closing handshake, which ends within `closeTimeoutMs`. */
  close(code: number, reason: string): void;
  /** Ends it at once, without a handshake. Harmless if it has ended. */
  terminate(): void;
  /** Stops reading from the other side, until {@link resume}. */
  pause(): void;
  resume(): void;
}

/** What a transport tells its actor. */
export interface TransportListener {
  receive(frame: Frame): void;
  /** The other side closed, vanished, or broke the protocol. No frame is received after this. */
  lost(code: number, reason: string): void;
  /** A frame cannot be written: its buffer was transferred, say. */
  failed(error: unknown, stage: string): void;
  /** The other side reads too slowly: more waits for it than `maxLagBytes`, or for longer than `maxLagMs`. */
  lagging(): void;
  /** No resource is held any more: the last call, made once, on every way out. */
  ended(): void;
}
