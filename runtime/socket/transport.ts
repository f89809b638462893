import type { AcceptOptions, Frame } from "../../actors/index.ts";
import type { Budget } from "../../layers/scheduling/lane.ts";
import type { Refusal } from "../http-response.ts";

/** The server's end of a connection. An actor without a WebSocket has a transport in memory. */
export interface Transport {
  /** Number of bytes from the actor that wait for the other side to read them. */
  readonly waitingBytes: number;
  /** The actor sets the listener once, before it calls any method. */
  listener: TransportListener | undefined;
  /**
   * Answers the upgrade with 101.
   * @returns whether browsers take the answer: they end a connection if none of their subprotocols is chosen.
   * @throws {AcceptError} if the response cannot hold the options.
   */
  accept(options: AcceptOptions): boolean;
  /** Answers the upgrade with a refusal. */
  reject(refusal: Refusal): void;
  /** Queues a frame. All frames that are queued until the next flush are written together and in order. */
  send(frame: Frame): void;
  /**
   * Resolves once few bytes or frames of the actor wait, so that there is room for more.
   * @throws {ConnectionLostError} if the connection has ended, or ends before that.
   */
  drained(): Promise<void>;
  /** Writes the queued frames, then starts the closing handshake, which ends within `closeTimeoutMs`. */
  close(code: number, reason: string): void;
  /** Ends the connection without a closing handshake. May be called after the connection has ended. */
  terminate(): void;
  /** Stops reading from the other side, until {@link resume}. */
  pause(): void;
  resume(): void;
  /** Called when the consumer has handled a frame, or has failed to. Undefined if nothing depends on it. */
  frameDone?(): void;
}

/** Has control frames to write behind the frames of a flush. */
export interface Trailer {
  /** Returns the texts of the control frames. MUST NOT throw. */
  take(): readonly string[];
}

/** A transport that also carries control frames. */
export interface ControlTransport extends Transport {
  /** Writes the queued frames and then a control frame, at once. */
  writeControl(text: string): void;
  /** Makes the next flush write the control frames of `trailer` behind all other frames. */
  addTrailer(trailer: Trailer): void;
}

export interface TransportListener {
  /**
   * Defined if the listener keeps the frames until the client has acknowledged them: the control frame for `count`
   * frames that will never be written. Frames that are lost with the socket do not count as dropped.
   */
  readonly skipNotice?: ((count: number) => string) | undefined;
  /** @param budget limits the frames that are handled during the call. @default no limit */
  receive(frame: Frame, budget?: Budget): void;
  /** The other side closed, disconnected, or broke the protocol. `receive` is not called after this. */
  lost(code: number, reason: string): void;
  /** A frame cannot be written, for example because its buffer was transferred. */
  failed(error: unknown, stage: string): void;
  /** The other side reads too slowly: its lag exceeds `maxLagBytes` or `maxLagMs`, or that of all `maxWaitingBytes`. */
  lagging(reason: string): void;
  /** The other side has exceeded a limit, so the connection has to close. */
  exceeded(code: number, reason: string): void;
  /** Called exactly once, after all other calls, when all resources are released. */
  ended(): void;
}
