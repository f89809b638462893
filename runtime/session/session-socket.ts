import type { Frame } from "../../actors/index.ts";
import type { Budget } from "../../layers/scheduling/lane.ts";
import { CloseCode } from "../../protocol/close-codes.ts";
import {
  type ControlFields,
  controlText,
  isControl,
  readControl,
  unescapeText,
} from "../../protocol/control-frames.ts";
import type { ControlTransport, Trailer, TransportListener } from "../socket/transport.ts";
import type { ClientFrames } from "./client-frames.ts";
import type { SessionLog } from "./session-log.ts";

/** Receives what a socket carries, after control frames were told from the application's frames. */
export interface SocketOwner {
  /** The maximum size of a control frame, in bytes. A larger one breaks the protocol. */
  readonly maxControlBytes: number;
  receive(frame: Frame, budget: Budget | undefined, socket: SessionSocket): void;
  onControl(frame: ControlFields, socket: SessionSocket): void;
  /** The client has broken the protocol. */
  onViolation(reason: string, socket: SessionSocket): void;
  /** The control frames that are due at the end of the turn. */
  dueControls(): readonly string[];
  lost(code: number, reason: string, socket: SessionSocket): void;
  failed(error: unknown, stage: string): void;
  lagging(reason: string, socket: SessionSocket): void;
  exceeded(code: number, reason: string): void;
  ended(socket: SessionSocket): void;
}

/** The reason of the close frame for a socket that another one has replaced. */
export const fencedReason = "Another socket has taken over the session";

const skipNotice = (count: number): string => controlText({ c: "skip", n: count });

/**
 * One socket of a session. A session that gets another socket takes the owner from the old one, so nothing that the
 * old socket carries counts any more.
 */
export class SessionSocket implements TransportListener, Trailer {
  readonly transport: ControlTransport;
  readonly skipNotice: ((count: number) => string) | undefined;
  owner: SocketOwner | undefined;

  /** @param keepsFrames whether the session keeps the frames that the client has not acknowledged. */
  constructor(transport: ControlTransport, keepsFrames: boolean) {
    this.transport = transport;
    this.skipNotice = keepsFrames ? skipNotice : undefined;
    transport.listener = this;
  }

  /** Makes sure that nothing more from this socket counts. */
  release(): void {
    this.owner = undefined;
  }

  /** Closes the socket, because the session has got another one. */
  fence(): void {
    this.release();
    this.transport.close(CloseCode.fenced, fencedReason);
  }

  /** Closes the socket, because its client reads too slowly. */
  closeAsSlow(reason: string): void {
    this.transport.close(CloseCode.slow, reason);
  }

  /** Closes the socket, because its attempt to resume the session is not later than others. */
  closeAsStale(): void {
    this.transport.close(CloseCode.stale, "A later attempt has resumed the session");
  }

  /** Continues a session on this socket: says `resumed`, and repeats the frames of the log. */
  replay(frames: ClientFrames, log: SessionLog): void {
    const { received, done } = frames;
    frames.onResumed();
    this.transport.writeControl(controlText({ c: "resumed", received, done, from: log.first }));
    for (const frame of log) this.transport.send(frame);
  }

  receive(frame: Frame, budget?: Budget): void {
    const { owner } = this;
    if (owner === undefined) return;
    if (typeof frame !== "string") owner.receive(frame, budget, this);
    else if (!isControl(frame)) owner.receive(unescapeText(frame), budget, this);
    else {
      budget?.charge(1);
      this.#receiveControl(frame, owner);
    }
  }

  #receiveControl(text: string, owner: SocketOwner): void {
    const isSmall = Buffer.byteLength(text) <= owner.maxControlBytes;
    const fields = isSmall ? readControl(text) : undefined;
    if (fields !== undefined) owner.onControl(fields, this);
    else owner.onViolation(isSmall ? "Malformed control frame" : "The control frame is too large", this);
  }

  take(): readonly string[] {
    return this.owner?.dueControls() ?? [];
  }

  lost(code: number, reason: string): void {
    this.owner?.lost(code, reason, this);
  }

  failed(error: unknown, stage: string): void {
    this.owner?.failed(error, stage);
  }

  lagging(reason: string): void {
    this.owner?.lagging(reason, this);
  }

  exceeded(code: number, reason: string): void {
    if (this.owner === undefined) this.transport.close(code, reason);
    else this.owner.exceeded(code, reason);
  }

  ended(): void {
    this.owner?.ended(this);
  }
}
