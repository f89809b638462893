import { jitter } from "../../layers/jitter.ts";
import { CloseCode, comesBack } from "../../protocol/close-codes.ts";
import { type ControlFields, controlText, type ServerControl } from "../../protocol/control-frames.ts";
import type { TransportListener } from "../socket/transport.ts";
import type { ClientFrames } from "./client-frames.ts";
import { impossibleCounts, type SessionLog } from "./session-log.ts";
import type { SessionSocket, SocketOwner } from "./session-socket.ts";
import type { KnownSession, SessionIdentity, Sessions } from "./sessions.ts";

/** The last control frame of a session. A close frame with the same code and reason follows. */
export type Farewell = Extract<ServerControl, { readonly c: "bye" | "gone" }>;

/** Clients that a node has told to come back do so within this time, in milliseconds. */
const comeBackMs = 1_000;

/** The farewell of a session that its consumer or the runtime closes. */
export function farewellFor(code: number, reason: string): Farewell {
  if (code === CloseCode.restart) {
    return { c: "bye", code, reason, after: Math.round(jitter(comeBackMs, 0)) };
  }
  if (comesBack(code) === "always") return { c: "gone", code, reason };
  return { c: "bye", code, reason, after: null };
}

/**
 * The farewell for a client that comes back to this node. With `after`, a client keeps its session, to resume it on
 * another node: here, it would get the same answer again and again.
 */
function farewellOnReturn(farewell: Farewell): Farewell {
  if (farewell.c === "gone" || farewell.after === null) return farewell;
  return { c: "gone", code: farewell.code, reason: farewell.reason };
}

/** The farewell of a session whose client was away for too long, or has too many frames to read. */
export const expired = (reason: string): Farewell => ({ c: "gone", code: CloseCode.gone, reason });

/** A session that is over, and what its client may still ask for. */
export interface EndedSession {
  readonly identity: SessionIdentity;
  readonly isResumable: boolean;
  readonly log: SessionLog;
  readonly frames: ClientFrames;
  /** The number of the client's last attempt to resume. */
  readonly attempt: number;
}

/** The listener of the socket that a session has at its end. */
type LastListener = Pick<TransportListener, "ended" | "failed">;

/**
 * Takes the place of a session that is over. Keeps the frames that the client has not acknowledged, and repeats them
 * and the farewell to a client that comes back. Has no actor.
 */
export class LastWords implements KnownSession, SocketOwner {
  readonly identity: SessionIdentity;
  readonly log: SessionLog;
  readonly maxControlBytes = Number.POSITIVE_INFINITY;
  readonly #sessions: Sessions;
  readonly #isResumable: boolean;
  readonly #frames: ClientFrames;
  readonly #farewell: Farewell;
  #attempt: number;
  #socket: SessionSocket | undefined;
  /** Undefined once the socket that the session had at its end is gone. */
  #listener: LastListener | undefined;

  constructor(sessions: Sessions, session: EndedSession, farewell: Farewell) {
    this.identity = session.identity;
    this.#sessions = sessions;
    this.#isResumable = session.isResumable;
    this.log = session.log;
    this.#frames = session.frames;
    this.#attempt = session.attempt;
    this.#farewell = farewell;
  }

  /** Ends the socket of the session. The frames were sent to it before. */
  say(socket: SessionSocket, listener: LastListener | undefined): void {
    this.#listener = listener;
    this.#socket = socket;
    socket.owner = this;
    this.#end(socket, this.#farewell);
  }

  // ---- Called by the registry of sessions

  expire(): void {}

  expel(): void {}

  attach(socket: SessionSocket, attempt: number, got: unknown): void {
    if (attempt <= this.#attempt) {
      socket.closeAsStale();
      return;
    }
    if (!this.log.acknowledge(got)) {
      this.onViolation(impossibleCounts, socket);
      return;
    }
    this.#attempt = attempt;
    this.#socket?.fence();
    this.ended();
    socket.owner = this;
    this.#socket = socket;
    const isMissed = this.#farewell.code === CloseCode.gone;
    const missed = this.log.sent - this.log.acked;
    // The first frame has to be `resumed` or `gone`, which also tell what is done.
    if (isMissed) this.#frames.onResumed();
    else socket.replay(this.#frames, this.log);
    this.#end(socket, { ...farewellOnReturn(this.#farewell), ...(isMissed && { missed }) });
  }

  // ---- Called by the socket

  receive(): void {
    this.#sessions.counters.drop("closing");
  }

  onControl({ c, n }: ControlFields, socket: SessionSocket): void {
    if (c !== "ack" || !this.#isResumable) return;
    if (!this.log.acknowledge(n)) this.onViolation(impossibleCounts, socket);
    else if (this.log.size === 0) this.#sessions.forget(this);
  }

  onViolation(reason: string, socket: SessionSocket): void {
    this.#sessions.forget(this);
    socket.transport.close(CloseCode.protocolError, reason);
  }

  dueControls(): readonly string[] {
    return this.#frames.takeDue(this.#isResumable);
  }

  /** A client that repeats the code has read the close frame, and so all that precedes it. */
  lost(code: number): void {
    if (code === this.#farewell.code) this.#sessions.forget(this);
  }

  failed(error: unknown, stage: string): void {
    this.#listener?.failed(error, stage);
  }

  /** Frames were cut off, so the client must not read the farewell before it has come back for them. */
  lagging(reason: string, socket: SessionSocket): void {
    if (this.#isResumable) socket.closeAsSlow(reason);
  }

  exceeded(): void {}

  ended(): void {
    this.#socket = undefined;
    this.#listener?.ended();
    this.#listener = undefined;
  }

  #end({ transport }: SessionSocket, farewell: Farewell): void {
    for (const text of this.dueControls()) transport.writeControl(text);
    const { done } = this.#frames;
    transport.writeControl(controlText({ ...farewell, ...(farewell.c === "gone" && { done }) }));
    transport.close(farewell.code, farewell.reason);
  }
}
