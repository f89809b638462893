import { type AcceptOptions, CloseCode, type Frame } from "../../actors/index.ts";
import type { Budget } from "../../layers/scheduling/lane.ts";
import { comesBack } from "../../protocol/close-codes.ts";
import {
  type ControlFields,
  controlText,
  escapeText,
  type ServerControl,
} from "../../protocol/control-frames.ts";
import { sessionProtocol } from "../../protocol/subprotocols.ts";
import type { SessionSettings } from "../consumer-settings.ts";
import type { Refusal } from "../http-response.ts";
import { checkAccept } from "../socket/handshake.ts";
import type { Transport } from "../socket/transport.ts";
import { ClientFrames } from "./client-frames.ts";
import { type HelloLimits, helloText } from "./hello.ts";
import { type EndedSession, expired, type Farewell, farewellFor, LastWords } from "./last-words.ts";
import { type RecoverableSession, type RecoveringActor, Recovery } from "./recovery.ts";
import { refuseInside } from "./refuse-inside.ts";
import { impossibleCounts, SessionLog } from "./session-log.ts";
import type { SessionListener, SessionOptions } from "./session-options.ts";
import { type RoomOwner, SessionRoom } from "./session-room.ts";
import { fencedReason, type SessionSocket, type SocketOwner } from "./session-socket.ts";
import type { KnownSession, ReturningClient, Sessions } from "./sessions.ts";

/**
 * The transport of an actor whose client speaks the protocol of sessions: docs/reference/protocol.md. It outlives its
 * sockets. While it has none, it is away: the actor goes on, and the log keeps the frames for the client.
 */
export class Session
  implements Transport, SocketOwner, KnownSession, EndedSession, RecoverableSession, RoomOwner
{
  listener: SessionListener | undefined;
  readonly identity: SessionOptions;
  readonly log: SessionLog;
  readonly frames = new ClientFrames();
  /** Whether the client may come back. False without settings, and once the client has said `bye`. */
  isResumable: boolean;
  /** The number of the client's last attempt to resume. */
  attempt = 0;
  readonly maxControlBytes = Number.POSITIVE_INFINITY;
  readonly #sessions: Sessions;
  readonly #limits: HelloLimits;
  #recovery: Recovery | undefined;
  #socket: SessionSocket | undefined;
  /** `connecting` until the upgrade is answered; `over` once the connection of the actor has ended. */
  #phase: "connecting" | "joined" | "over" = "connecting";
  #isPaused = false;
  readonly #room = new SessionRoom(this);
  /** How the last socket was lost. */
  #loss = { code: CloseCode.abnormal as number, reason: "" };

  constructor(sessions: Sessions, socket: SessionSocket, limits: HelloLimits, options: SessionOptions) {
    this.identity = options;
    this.isResumable = options.settings !== undefined;
    this.log = new SessionLog(sessions.frames);
    this.#sessions = sessions;
    this.#limits = limits;
    this.#socket = socket;
    socket.owner = this;
  }

  /** Whether the actor waits for the client to come back. */
  get isAway(): boolean {
    return this.#phase === "joined" && this.#socket === undefined;
  }

  get socket(): SessionSocket | undefined {
    return this.#socket;
  }

  get isOver(): boolean {
    return this.#phase === "over";
  }

  // ---- Called by the actor

  accept({ subprotocol, headers = {} }: AcceptOptions): boolean {
    checkAccept({ headers, ...(subprotocol !== undefined && { subprotocol }) }, this.identity.offered);
    this.#socket?.transport.accept({ subprotocol: sessionProtocol, headers });
    // The answer may have shown that the client has left.
    if (this.#phase === "over" || this.#socket === undefined) return true;
    this.#phase = "joined";
    if (this.isResumable) this.#sessions.add(this);
    this.#socket.transport.writeControl(helloText(this.identity, this.#limits, subprotocol));
    this.#recovery?.online();
    return true;
  }

  /** Called before {@link accept}. @returns undefined if the consumer does not recover messages. */
  recoverRelays(actor: RecoveringActor): Recovery | undefined {
    if (this.identity.settings?.recover)
      this.#recovery = new Recovery(this.#sessions.recoveries, this, actor);
    return this.#recovery;
  }

  control(frame: ServerControl): void {
    if (this.#phase === "joined") this.#socket?.transport.writeControl(controlText(frame));
  }

  reject(refusal: Refusal): void {
    this.#phase = "over";
    if (this.#socket === undefined) this.#endActor();
    else refuseInside(this.#socket, refusal);
    this.#sessions.counters.refuse(refusal);
  }

  send(frame: Frame): void {
    if (this.#phase !== "joined") {
      this.#sessions.counters.drop("closing");
      return;
    }
    const wire = typeof frame === "string" ? escapeText(frame) : frame;
    if (this.isResumable) this.#keep(wire);
    this.#socket?.transport.send(wire);
  }

  get waitingBytes(): number {
    return this.#socket?.transport.waitingBytes ?? this.log.bytes;
  }

  drained(): Promise<void> {
    return this.#room.available();
  }

  frameDone(): void {
    this.frames.onDone();
    if (this.isResumable) this.#socket?.transport.addTrailer(this.#socket);
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
    const lastWords = this.#endWith(
      this.#socket === undefined && code === CloseCode.expired
        ? this.#giveUpFrames(reason)
        : farewellFor(code, reason),
    );
    if (this.#socket === undefined) this.#endActor();
    else lastWords.say(this.#socket, this.listener);
    this.#room.changed();
  }

  terminate(): void {
    if (this.#socket !== undefined) this.#socket.transport.terminate();
    else this.#end(CloseCode.abnormal, "");
  }

  // ---- Called by the registry of sessions

  expire(reason: string): void {
    this.#sessions.counters.lose();
    this.#endWith(this.#giveUpFrames(reason));
    this.#end(this.#loss.code, this.#loss.reason);
  }

  expel(code: number, reason: string): void {
    const { listener } = this;
    this.close(code, reason);
    listener?.lost(code, reason);
  }

  attach(socket: SessionSocket, attempt: number, got: unknown, { scope, grants }: ReturningClient): void {
    if (attempt <= this.attempt) {
      socket.closeAsStale();
      return;
    }
    if (!this.log.acknowledge(got)) {
      socket.transport.close(CloseCode.protocolError, impossibleCounts);
      this.onViolation(impossibleCounts);
      return;
    }
    this.attempt = attempt;
    const wasOnline = this.#socket !== undefined;
    this.#socket?.fence();
    socket.owner = this;
    this.#socket = socket;
    socket.replay(this.frames, this.log);
    this.#recovery?.online(this.log.acked);
    if (this.#isPaused) socket.transport.pause();
    this.#sessions.back(this);
    if (wasOnline) this.listener?.away(CloseCode.fenced, fencedReason);
    this.listener?.admit(grants, scope);
    this.listener?.online(scope);
    this.#room.changed();
  }

  // ---- Called by the socket

  receive(frame: Frame, budget: Budget | undefined): void {
    this.frames.onReceived();
    if (this.isResumable && this.frames.isFlood(this.#limits.frameHighWaterMark)) {
      this.onViolation("Too many frames wait");
    } else this.listener?.receive(frame, budget);
  }

  onControl(frame: ControlFields, socket: SessionSocket): void {
    const { c, n } = frame;
    if (c === "ack") {
      if (this.isResumable && !this.log.acknowledge(n)) this.onViolation(impossibleCounts);
    } else if (c === "since" && this.#recovery?.since(frame) === false) this.onViolation("Malformed since");
    else if (c === "beat") {
      this.frames.onBeat();
      socket.transport.addTrailer(socket);
    } else if (c === "bye") {
      this.isResumable = false;
      this.#sessions.forget(this);
    } else if (c === "renew") {
      if (this.listener?.takeToken(frame.token) === false) this.onViolation("Malformed renew");
    } else if (c === "resume") this.onViolation("The socket has a session already");
  }

  onViolation(reason: string): void {
    this.#sessions.forget(this);
    this.#socket?.transport.close(CloseCode.protocolError, reason);
    this.#end(CloseCode.protocolError, reason);
  }

  dueControls(): readonly string[] {
    return this.frames.takeDue(this.isResumable);
  }

  lost(code: number, reason: string): void {
    if (this.#phase === "joined" && this.isResumable && comesBack(code) !== "never") {
      this.#goAway(code, reason);
    } else {
      this.#sessions.forget(this);
      this.#end(code, reason);
    }
  }

  failed(error: unknown, stage: string): void {
    this.listener?.failed(error, stage);
  }

  lagging(reason: string, socket: SessionSocket): void {
    if (!this.isResumable) {
      this.listener?.lagging(reason);
      return;
    }
    socket.closeAsSlow(reason);
    this.#goAway(CloseCode.slow, reason);
  }

  exceeded(code: number, reason: string): void {
    this.listener?.exceeded(code, reason);
  }

  ended(): void {
    this.#socket = undefined;
    if (this.#phase === "over") this.#endActor();
  }

  // ----

  #goAway(code: number, reason: string): void {
    this.#loss = { code, reason };
    this.#socket?.release();
    this.#socket = undefined;
    this.#sessions.away(this);
    this.listener?.away(code, reason);
  }

  /** Keeps a frame until the client acknowledges it. */
  #keep(frame: Frame): void {
    const settings = this.identity.settings as SessionSettings;
    this.log.add(frame);
    if (this.#socket !== undefined) while (this.log.exceeds(settings)) this.log.dropOldest();
    else if (this.log.exceeds(settings)) this.expire("Too many frames waited for the client");
    this.#sessions.checkBytes(this);
  }

  /** Drops the frames for a client that is away. It begins another session if it comes back. */
  #giveUpFrames(reason: string): Farewell {
    this.#sessions.counters.drop("away", this.log.size);
    this.log.clear();
    return expired(reason);
  }

  /** Hands what the client may still ask for to an object without an actor. */
  #endWith(farewell: Farewell): LastWords {
    const lastWords = new LastWords(this.#sessions, this, farewell);
    this.#sessions.end(this, lastWords);
    return lastWords;
  }

  /** Ends the actor's connection, as the loss of the socket does without a session. */
  #end(code: number, reason: string): void {
    this.#phase = "over";
    this.listener?.lost(code, reason);
    if (this.#socket === undefined) this.#endActor();
    this.#room.changed();
  }

  #endActor(): void {
    const { listener } = this;
    this.listener = undefined;
    listener?.ended();
  }
}
