import { type AcceptOptions, CloseCode, type Frame, type ResponseHeaders } from "../../actors/index.ts";
import { comesBack, refusalCode } from "../../protocol/close-codes.ts";
import {
  type ClientControl,
  controlText,
  escapeText,
  isControl,
  readControl,
  type ServerControl,
  unescapeText,
} from "../../protocol/control-frames.ts";
import { Deadline } from "../deadline.ts";
import type { Refusal } from "../http-response.ts";
import type { RuntimeContext } from "../runtime-context.ts";
import { refuseInside } from "../session/refuse-inside.ts";
import type { Session } from "../session/session.ts";
import { SessionSocket } from "../session/session-socket.ts";
import { type Admitted, type Candidate, isRefusal, tookTooLong } from "../upgrade/admission.ts";
import { createSession, expectResume } from "../upgrade/session-upgrade.ts";
import { Arrivals } from "./arrivals.ts";
import { ExpectationError } from "./expectation-error.ts";
import { MemorySocket, type SocketClient } from "./memory-socket.ts";
import { type Answer, type ClientClosed, PendingAnswer } from "./pending-answer.ts";
import type { Resumption } from "./resumption.ts";
import type { TestClient } from "./test-client.ts";

/** A client that speaks the protocol of sessions: docs/reference/protocol.md. It acknowledges each frame. */
export class SessionClient implements SocketClient, TestClient {
  readonly arrivals = new Arrivals();
  readonly #context: RuntimeContext;
  readonly #pending = new PendingAnswer();
  #headers: ResponseHeaders = {};
  /** The server's end of the session. */
  #server: Session | undefined;
  /** The secret of the session; undefined if the consumer refuses sessions. */
  #session: string | undefined;
  #socket: MemorySocket | undefined;
  #hasEnded = false;
  #attempt = 0;
  /** The number of application frames that have arrived. */
  #got = 0;
  #isAckDue = false;
  /** The number of the client's own frames that the server has handled, and the frames that follow. */
  #done = 0;
  #queue: Frame[] = [];
  /** The number of the client's own frames that the server has taken. */
  #taken = 0;
  /** Whether the session goes on with the current socket, so that frames may be sent. */
  #isReady = false;
  /** The last words of the server. */
  #farewell: Extract<ServerControl, { readonly c: "bye" | "gone" }> | undefined;
  #renewInMs: number | undefined;
  #onResumption: ((resumption: Resumption) => void) | undefined;

  constructor(context: RuntimeContext) {
    this.#context = context;
  }

  get answered(): Promise<Answer> {
    return this.#pending.answered;
  }

  get closed(): Promise<ClientClosed> {
    return this.#pending.closed;
  }

  get state(): "connecting" | "joined" | "away" | "closed" {
    if (this.#hasEnded) return "closed";
    if (this.#isReady) return "joined";
    return this.#socket === undefined && this.#session !== undefined && this.#onResumption === undefined
      ? "away"
      : "connecting";
  }

  /** The time within which the server wants a new token, in milliseconds; undefined if it does not wait for one. */
  get renewInMs(): number | undefined {
    return this.#renewInMs;
  }

  /** Sends a new token. */
  renew(token: string): void {
    this.#renewInMs = undefined;
    this.#say({ c: "renew", token });
  }

  /** Returns a client with the same memory, as a browser does that duplicates a tab. */
  copy(): SessionClient {
    const copy = new SessionClient(this.#context);
    copy.#server = this.#server;
    copy.#session = this.#session;
    copy.#attempt = this.#attempt;
    copy.#got = this.#got;
    copy.#done = this.#done;
    copy.#queue = [...this.#queue];
    return copy;
  }

  /** Connects, and returns the transport for the actor. */
  open(candidate: Candidate): Session {
    this.#server = createSession(this.#context, candidate, (keepsFrames) => this.#newSocket(keepsFrames));
    return this.#server;
  }

  reject(refusal: Refusal): void {
    this.#context.counters.refuse(refusal);
    this.refuse(refusal);
  }

  /** Refuses the upgrade, but does not count it as `refused`. */
  refuse(refusal: Refusal): void {
    refuseInside(this.#newSocket(false), refusal);
  }

  /**
   * Resumes the session on another socket.
   * @param admit asks the guards whether they admit the client
   */
  resume(admit: () => Admitted | Promise<Admitted>): Promise<Resumption> {
    const { clock, limits } = this.#context;
    const deadline = new Deadline(clock, limits.connectTimeoutMs);
    deadline.onPassed = () => this.refuse(tookTooLong);
    const resumption = new Promise<Resumption>((resolve) => {
      this.#onResumption = resolve;
    });
    void this.#resume(admit, deadline);
    return resumption;
  }

  async #resume(admit: () => Admitted | Promise<Admitted>, deadline: Deadline): Promise<void> {
    const isCurrent = this.#onResumption;
    const admitted = await admit();
    if (isRefusal(admitted) || this.#onResumption !== isCurrent) deadline.cancel();
    // The guards may have taken too long, or the client may have left.
    if (this.#onResumption !== isCurrent) return;
    if (isRefusal(admitted)) {
      this.reject(admitted);
      return;
    }
    expectResume(this.#context, admitted, this.#newSocket(true), deadline);
    this.#attempt += 1;
    this.#say({ c: "resume", session: this.#session ?? "", try: this.#attempt, got: this.#got });
  }

  /** Sends a frame now, or once the client is back. */
  deliver(frame: Frame): void {
    if (this.#hasEnded) {
      this.#context.counters.drop("closing");
      return;
    }
    this.#queue.push(typeof frame === "string" ? escapeText(frame) : frame);
    this.#flush();
  }

  /** Loses the socket. */
  blink(code: number, reason: string): void {
    const socket = this.#socket;
    this.#socket = undefined;
    this.#isReady = false;
    socket?.leave(code, reason);
    if (this.#session === undefined) this.#end({ code, reason });
  }

  /** Loses all that the server sends on the current socket. */
  drop(): void {
    if (this.#socket !== undefined) this.#socket.isDropping = true;
  }

  /** Ends the connection. With 1006, and while the client is away, it vanishes and does not come back. */
  leave(code: number, reason: string): void {
    if (this.#hasEnded) return;
    if (code !== CloseCode.abnormal) this.#say({ c: "bye" });
    this.blink(code, reason);
    if (this.#server?.isAway) this.#server.expire("The client did not come back");
    this.#end({ code, reason });
  }

  // ---- Called by the socket

  onAccepted({ headers = {} }: AcceptOptions): void {
    this.#headers = headers;
  }

  onFrame(frame: Frame, socket: MemorySocket): void {
    if (socket !== this.#socket) return;
    if (typeof frame === "string" && isControl(frame)) {
      this.#onControl(readControl(frame) as ServerControl);
      return;
    }
    this.#got += 1;
    this.arrivals.push(typeof frame === "string" ? unescapeText(frame) : frame);
    this.#acknowledge();
  }

  onClosed(code: number, reason: string, socket: MemorySocket): void {
    if (socket !== this.#socket) return;
    this.#socket = undefined;
    const farewell = this.#farewell;
    const isFinal =
      this.#onResumption === undefined || farewell?.c === "gone" || comesBack(code) !== "always";
    const missed = farewell?.c === "gone" ? farewell.missed : undefined;
    this.#settle({ resumed: false, code, reason, ...(missed !== undefined && { missed }) });
    if (isFinal) this.#onEnd(code, reason);
  }

  // ----

  #newSocket(keepsFrames: boolean): SessionSocket {
    this.#farewell = undefined;
    this.#renewInMs = undefined;
    this.#isReady = false;
    this.#socket = new MemorySocket(this);
    return new SessionSocket(this.#socket, keepsFrames);
  }

  #say(frame: ClientControl): void {
    this.#socket?.deliver(controlText(frame));
  }

  /** Acknowledges the frames of this turn together, because the server may be sending the next one right now. */
  #acknowledge(): void {
    if (this.#isAckDue) return;
    this.#isAckDue = true;
    queueMicrotask(() => {
      this.#isAckDue = false;
      this.#say({ c: "ack", n: this.#got });
    });
  }

  #onControl(frame: ServerControl): void {
    switch (frame.c) {
      case "hello":
        this.#session = frame.session;
        this.#begin(0);
        this.#pending.answer({ accepted: true, subprotocol: frame.protocol, headers: this.#headers });
        break;
      case "resumed":
        this.#onResumed(frame);
        break;
      case "ack":
        this.#settleUpTo(frame.n);
        break;
      case "skip":
        this.#got += frame.n;
        this.#acknowledge();
        break;
      case "renew":
        this.#renewInMs = frame.inMs;
        break;
      case "gone":
      case "bye":
        this.#farewell = frame;
    }
  }

  #onResumed({ received, done, from }: Extract<ServerControl, { readonly c: "resumed" }>): void {
    this.#settleUpTo(done);
    const missed = from - 1 - this.#got;
    this.#got = from - 1;
    this.#begin(received);
    this.#settle({ resumed: true, missed });
  }

  /** Sends the frames after number `taken` soon. First, the server sends what it has kept. */
  #begin(taken: number): void {
    this.#taken = taken;
    const socket = this.#socket;
    queueMicrotask(() => {
      this.#isReady = socket !== undefined && socket === this.#socket;
      this.#flush();
    });
  }

  #flush(): void {
    while (this.#isReady && this.#taken < this.#done + this.#queue.length) {
      const frame = this.#queue[this.#taken - this.#done] as Frame;
      this.#taken += 1;
      this.#socket?.deliver(frame);
    }
  }

  #settle(resumption: Resumption): void {
    this.#onResumption?.(resumption);
    this.#onResumption = undefined;
  }

  #settleUpTo(done: number): void {
    this.#queue.splice(0, done - this.#done);
    this.#done = done;
  }

  #onEnd(code: number, reason: string): void {
    const { answer } = this.#pending;
    const status = code - refusalCode;
    if (status >= 300 && status < 600) {
      answer({ accepted: false, status, reason: this.#farewell?.reason ?? reason });
    }
    this.#end({ code, reason });
  }

  #end(closed: ClientClosed): void {
    this.#hasEnded = true;
    this.#isReady = false;
    this.#settle({ resumed: false, ...closed });
    this.#pending.giveUp(new ExpectationError("The connection ended before it was accepted or rejected."));
    this.arrivals.end();
    this.#pending.close(closed);
  }
}
