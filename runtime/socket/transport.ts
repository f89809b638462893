import type { AcceptOptions, Frame } from "../../actors/index.ts";

/** The way to the other side of a connection: a WebSocket, or memory alone for an actor spawned without one. */
export interface Transport {
  /** Bytes that were sent and wait for the other side to take them. */
  readonly waitingBytes: number;
  /** Set once, by the connection, before anything else. */
  listener: TransportListener | undefined;
  /** Answers the upgrade with 101. @throws {AcceptError} if the options cannot go into the answer. */
  accept(options: AcceptOptions): void;
  /** Answers the upgrade with an HTTP error. */
  reject(status: number, reason: string): void;
  /** Queues a frame. All frames of one turn of the event loop are written at its end, in order. */
  send(frame: Frame): void;
  /** Writes what is queued, then starts the closing handshake. It ends within `closeTimeoutMs`, answered or not. */
  close(code: number, reason: string): void;
  /** Ends it at once, without a handshake. Harmless if it has ended. */
  terminate(): void;
  /** Makes the other side wait, until {@link resume}. */
  pause(): void;
  resume(): void;
}

/** What a transport tells its connection. */
export interface TransportListener {
  receive(frame: Frame): void;
  /** The other side closed or vanished, or sent what it must not. Nothing is received after this. */
  lost(code: number, reason: string): void;
  /** What was sent cannot be written: bytes that are no longer there, say. */
  failed(error: unknown, stage: string): void;
  /** It reads so slowly that more waits for it than may, or for longer. */
  lagging(): void;
  /** All is over, and no resource is held any more: the last call, made once, on every way out. */
  ended(): void;
}
