import { type AcceptOptions, CloseCode, type Frame, type Scope } from "../../actors/index.ts";
import { Deferred } from "../../layers/deferred.ts";
import { jitter } from "../../layers/jitter.ts";
import type { Budget } from "../../layers/scheduling/lane.ts";
import { comesBack } from "../../protocol/close-codes.ts";
import {
  type ControlFields,
  controlText,
  escapeText,
  maxWindow,
  type ServerControl,
} from "../../protocol/control-frames.ts";
import { sessionProtocol } from "../../protocol/subprotocols.ts";
import type { SessionSettings } from "../consumer-settings.ts";
import { ConnectionLostError } from "../errors.ts";
import type { Refusal } from "../http-response.ts";
import type { Limits } from "../limits.ts";
import { checkAccept } from "../socket/handshake.ts";
import type { Transport, TransportListener } from "../socket/transport.ts";
import { refuseInside } from "./refuse-inside.ts";
import { SessionLog } from "./session-log.ts";
import type { SessionSocket, SocketOwner } from "./session-socket.ts";
import type { KnownSession, Sessions } from "./sessions.ts";

/** The actor of a session. */
export interface SessionListener extends TransportListener {
  /** The session has lost its socket, and waits for the client to come back. */
  away(): void;
  /** The client has come back. Its new request has this scope. */
  online(scope: Scope): void;
}

export interface SessionOptions {
  /** `<node>.<256 random bits>` */
  readonly id: string;
  readonly path: string;
  /** Identifies the user. Only a client with the same key may resume the session. */
  readonly userKey: string;
  /** The application's subprotocols that the client offers. */
  readonly offered: readonly string[];
  /** Undefined if the consumer refuses sessions. Then the loss of the socket ends the connection. */
  readonly settings: SessionSettings | undefined;
  /** Half of it is the room that `drained()` waits for. */
  readonly maxLagBytes: number;
}

type Limited = Pick<Limits, "frameHighWaterMark" | "maxPayload" | "pingIntervalMs">;

/** Clients that a node has told to come back do so within this time, in milliseconds. */
const comeBackMs = 1_000;

/**
 * The transport of an actor whose client speaks the protocol of sessions: docs/reference/protocol.md. It outlives its
 * sockets. While it has none, it is away: the actor goes on, and the log keeps the frames for the client.
 */
export class Session implements Transport, SocketOwner, KnownSession {
  listener: SessionListener | undefined;
  readonly id: string;
  readonly path: string;
  readonly userKey: string;
  readonly settings: SessionSettings | undefined;
  readonly #sessions: Sessions;
  readonly #limits: Limited;
  readonly #options: SessionOptions;
  readonly #log: SessionLog;
  #socket: SessionSocket | undefined;
  /** `connecting` until the upgrade is answered; `over` once the connection of the actor has ended. */
  #phase: "connecting" | "joined" | "over" = "connecting";
  /** The client's frames that were taken off the socket, that were handled, and of which the client was told. */
  #received = 0;
  #done = 0;
  #acknowledged = 0;
  /** The number of the client's last attempt to resume. */
  #attempt = 0;
  #isBeatDue = false;
  #isPaused = false;
  /** Whether the client has said that it will not come back. */
  #isLeaving = false;
  /** How the last socket was lost. */
  #loss = { code: CloseCode.abnormal as number, reason: "" };
  /** The last control frame of a session that is over. */
  #farewell: (ServerControl & { readonly code: number; readonly reason: string }) | undefined;
  /** Settled when the session gets a socket, loses frames of its log, or ends. */
  #change: Deferred | undefined;

  constructor(sessions: Sessions, socket: SessionSocket, limits: Limited, options: SessionOptions) {
    this.id = options.id;
    this.path = options.path;
    this.userKey = options.userKey;
    this.settings = options.settings;
    this.#sessions = sessions;
    this.#limits = limits;
    this.#options = options;
    this.#log = new SessionLog(sessions.frames);
    this.#socket = socket;
    socket.owner = this;
  }

  get isAway(): boolean {
    return this.#phase === "joined" && this.#socket === undefined;
  }

  /** The frames for the client that it has not acknowledged. */
  get unacknowledged(): number {
    return this.#log.size;
  }

  // ---- Called by the actor

  accept({ subprotocol, headers = {} }: AcceptOptions): boolean {
    const socket = this.#socket;
    checkAccept({ headers, ...(subprotocol !== undefined && { subprotocol }) }, this.#options.offered);
    if (socket === undefined) return true;
    socket.transport.accept({ subprotocol: sessionProtocol, headers });
    // The socket may have been lost meanwhile.
    if (this.#phase === "over") return true;
    this.#phase = "joined";
    const { settings } = this;
    const { frameHighWaterMark, maxPayload, pingIntervalMs } = this.#limits;
    if (settings !== undefined) this.#sessions.add(this);
    this.#control({
      c: "hello",
      ...(settings !== undefined && { session: this.id }),
      resumeMs: settings?.resumeMs ?? 0,
      maxBytes: settings?.maxBytes ?? 0,
      maxPayload,
      window: Math.min(maxWindow, frameHighWaterMark),
      beatMs: pingIntervalMs,
      ...(subprotocol !== undefined && { protocol: subprotocol }),
    });
    return true;
  }

  reject(refusal: Refusal): void {
    this.#phase = "over";
    const socket = this.#socket;
    if (socket === undefined) this.#endActor();
    else refuseInside(socket, refusal);
    this.#sessions.counters.refuse();
  }

  send(frame: Frame): void {
    if (this.#phase !== "joined") return;
    const wire = typeof frame === "string" ? escapeText(frame) : frame;
    const { settings } = this;
    if (settings !== undefined) {
      this.#log.add(wire);
      if (this.#log.bytes > settings.maxBytes || this.#log.size > settings.maxFrames) this.#onFullLog();
      this.#sessions.checkBytes(this);
    }
    this.#socket?.transport.send(wire);
  }

  get waitingBytes(): number {
    return this.#socket?.transport.waitingBytes ?? this.#log.bytes;
  }

  async drained(): Promise<void> {
    while (this.#phase !== "over") {
      const socket = this.#socket;
      if (socket === undefined) {
        if (this.#log.bytes <= this.#options.maxLagBytes / 2) return;
        this.#change ??= new Deferred();
        await this.#change.promise;
        continue;
      }
      try {
        await socket.transport.drained();
        return;
      } catch (error) {
        if (this.#socket === socket) throw error;
      }
    }
    throw ConnectionLostError.whileSending();
  }

  frameDone(): void {
    this.#done += 1;
    if (this.settings !== undefined) this.#socket?.transport.addTrailer(this.#socket);
  }

  pause(): void {
    this.#isPaused = true;
    this.#socket?.transport.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#socket?.transport.resume();
  }

  close(code: number, reason: string): void {
    if (this.#phase === "over") return;
    this.#phase = "over";
    this.#farewell = this.#farewellFor(code, reason);
    this.#sessions.end(this);
    const socket = this.#socket;
    if (socket === undefined) this.#endActor();
    else this.#sayFarewell(socket, this.#farewell);
    this.#changed();
  }

  terminate(): void {
    if (this.#socket !== undefined) this.#socket.transport.terminate();
    else this.#end(CloseCode.abnormal, "");
  }

  // ---- Called by the registry of sessions

  expire(reason: string): void {
    this.#farewell = { c: "gone", code: CloseCode.gone, reason };
    this.#sessions.counters.drop("away", this.#log.size);
    this.#log.clear();
    this.#sessions.end(this);
    const { code, reason: lossReason } = this.#loss;
    this.#end(code, lossReason);
  }

  dropOldest(): boolean {
    if (this.#log.size === 0) return false;
    this.#log.dropOldest();
    return true;
  }

  release(): void {
    this.#log.clear();
  }

  attach(socket: SessionSocket, attempt: number, got: unknown, scope: Scope): void {
    if (this.#phase !== "over" && attempt <= this.#attempt) {
      socket.transport.close(CloseCode.stale, "A later attempt has resumed the session");
      return;
    }
    if (!this.#log.isPossible(got)) {
      socket.transport.close(CloseCode.protocolError, "Impossible counts");
      if (this.#phase !== "over") this.onViolation("Impossible counts");
      return;
    }
    this.#attempt = attempt;
    const old = this.#fence();
    socket.owner = this;
    this.#socket = socket;
    this.#log.acknowledge(got);
    if (this.#phase === "over") this.#repeatFarewell(socket, got);
    else {
      this.#replay();
      if (this.#isPaused) socket.transport.pause();
      this.#sessions.back(this);
      if (old !== undefined) this.listener?.away();
      this.listener?.online(scope);
    }
    this.#changed();
  }

  // ---- Called by the socket

  receive(frame: Frame, budget: Budget | undefined): void {
    if (this.#phase === "over") return;
    this.#received += 1;
    this.listener?.receive(frame, budget);
  }

  onControl({ c, n }: ControlFields, socket: SessionSocket): void {
    if (c === "ack") this.#onAck(n);
    else if (c === "beat") {
      this.#isBeatDue = true;
      socket.transport.addTrailer(socket);
    } else if (c === "bye") this.#isLeaving = true;
    else if (c === "resume") this.onViolation("The socket has a session already");
  }

  #onAck(n: unknown): void {
    if (this.settings === undefined) return;
    if (!this.#log.isPossible(n)) {
      this.onViolation("Impossible counts");
      return;
    }
    this.#log.acknowledge(n);
    if (this.#phase === "over" && this.#log.size === 0) this.#sessions.forget(this);
  }

  onViolation(reason: string): void {
    this.#sessions.forget(this);
    this.#socket?.transport.close(CloseCode.protocolError, reason);
    this.#end(CloseCode.protocolError, reason);
  }

  dueControls(): readonly string[] {
    const due: ServerControl[] = [];
    if (this.settings !== undefined && this.#done > this.#acknowledged) {
      this.#acknowledged = this.#done;
      due.push({ c: "ack", n: this.#done });
    }
    if (this.#isBeatDue) due.push({ c: "beat" });
    this.#isBeatDue = false;
    return due.map(controlText);
  }

  lost(code: number, reason: string, socket: SessionSocket): void {
    if (socket !== this.#socket) return;
    if (this.#phase === "over") {
      // The client has answered the close frame, so it has all that precedes the frame.
      if (code !== CloseCode.abnormal) this.#sessions.forget(this);
      this.listener?.lost(code, reason);
    } else if (this.#isFinal(code)) {
      this.#sessions.forget(this);
      this.#phase = "over";
      this.listener?.lost(code, reason);
      this.#changed();
    } else this.#goAway(code, reason);
  }

  failed(error: unknown, stage: string): void {
    this.listener?.failed(error, stage);
  }

  lagging(socket: SessionSocket): void {
    if (this.settings === undefined) this.listener?.lagging();
    else if (this.#phase === "joined") {
      socket.transport.close(CloseCode.slow, "Reads too slowly");
      this.#goAway(CloseCode.slow, "Reads too slowly");
    }
  }

  unfinished(): void {
    this.listener?.unfinished();
  }

  ended(socket: SessionSocket): void {
    if (socket !== this.#socket) return;
    this.#socket = undefined;
    if (this.#phase === "over") this.#endActor();
  }

  // ----

  #isFinal(code: number): boolean {
    return (
      this.#phase === "connecting" ||
      this.settings === undefined ||
      this.#isLeaving ||
      comesBack(code) === "never"
    );
  }

  #goAway(code: number, reason: string): void {
    this.#loss = { code, reason };
    this.#fence();
    this.#sessions.away(this);
    this.listener?.away();
  }

  /** Makes sure that nothing from the current socket counts any more. @returns the socket. */
  #fence(): SessionSocket | undefined {
    const old = this.#socket;
    this.#socket = undefined;
    if (old === undefined) return undefined;
    old.owner = undefined;
    old.transport.close(CloseCode.fenced, "Another socket has taken over the session");
    return old;
  }

  #onFullLog(): void {
    const { maxBytes, maxFrames } = this.settings as SessionSettings;
    if (this.#socket === undefined) this.expire("Too many frames waited for the client");
    else while (this.#log.bytes > maxBytes || this.#log.size > maxFrames) this.#log.dropOldest();
  }

  #replay(): void {
    const { first } = this.#log;
    this.#acknowledged = this.#done;
    this.#control({ c: "resumed", received: this.#received, done: this.#done, from: first });
    this.#log.forEach((frame) => {
      this.#socket?.transport.send(frame);
    });
  }

  #repeatFarewell(socket: SessionSocket, got: number): void {
    const farewell = this.#farewell;
    if (farewell?.code === CloseCode.gone) {
      this.#control({ ...farewell, c: "gone", missed: this.#log.sent - got, done: this.#done });
      socket.transport.close(farewell.code, farewell.reason);
    } else if (farewell !== undefined) {
      this.#replay();
      this.#sayFarewell(socket, farewell);
    }
  }

  #sayFarewell(socket: SessionSocket, farewell: ServerControl & { code: number; reason: string }): void {
    for (const text of this.dueControls()) socket.transport.writeControl(text);
    this.#control(farewell.c === "gone" ? { ...farewell, done: this.#done } : farewell);
    socket.transport.close(farewell.code, farewell.reason);
  }

  #farewellFor(code: number, reason: string) {
    if (code === CloseCode.restart) {
      return { c: "bye", code, reason, after: Math.round(jitter(comeBackMs, 0)) } as const;
    }
    if (comesBack(code) === "always") return { c: "gone", code, reason } as const;
    return { c: "bye", code, reason, after: null } as const;
  }

  #control(frame: ServerControl): void {
    this.#socket?.transport.writeControl(controlText(frame));
  }

  /** Ends the actor's connection, as the loss of the socket does without a session. */
  #end(code: number, reason: string): void {
    const hasSocket = this.#socket !== undefined;
    this.#phase = "over";
    this.listener?.lost(code, reason);
    if (!hasSocket) this.#endActor();
    this.#changed();
  }

  #endActor(): void {
    const { listener } = this;
    this.listener = undefined;
    listener?.ended();
  }

  #changed(): void {
    this.#change?.resolve();
    this.#change = undefined;
  }
}
