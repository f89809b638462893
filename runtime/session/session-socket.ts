import type { Frame } from "../../actors/index.ts";
import type { Budget } from "../../layers/scheduling/lane.ts";
import {
  type ControlFields,
  controlText,
  isControl,
  readControl,
  unescapeText,
} from "../../protocol/control-frames.ts";
import type { ControlTransport, Trailer, TransportListener } from "../socket/transport.ts";

/** Receives what a socket carries, after control frames were told from the application's frames. */
export interface SocketOwner {
  receive(frame: Frame, budget: Budget | undefined): void;
  onControl(frame: ControlFields, socket: SessionSocket): void;
  /** The client has broken the protocol. */
  onViolation(reason: string, socket: SessionSocket): void;
  /** The control frames that are due at the end of the turn. */
  dueControls(): readonly string[];
  lost(code: number, reason: string, socket: SessionSocket): void;
  failed(error: unknown, stage: string): void;
  lagging(socket: SessionSocket): void;
  unfinished(): void;
  ended(socket: SessionSocket): void;
}

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

  receive(frame: Frame, budget?: Budget): void {
    const { owner } = this;
    if (owner === undefined) return;
    if (typeof frame !== "string") owner.receive(frame, budget);
    else if (!isControl(frame)) owner.receive(unescapeText(frame), budget);
    else {
      budget?.charge(1);
      const fields = readControl(frame);
      if (fields === undefined) owner.onViolation("Malformed control frame", this);
      else owner.onControl(fields, this);
    }
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

  lagging(): void {
    this.owner?.lagging(this);
  }

  unfinished(): void {
    this.owner?.unfinished();
  }

  ended(): void {
    this.owner?.ended(this);
  }
}
