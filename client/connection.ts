/**
 * How one frame travels.
 *
 * To the server: `send` of a client passes the frame to {@link Connection.send}, which puts it into the queue of
 * `Outgoing`. Once the connection is joined and the window has room, `Outgoing` writes it to the socket. An `ack`
 * of the server, or `resumed` after a reconnect, takes it out of the queue and resolves the promise of `send`.
 *
 * From the server: the socket passes the data to `#receive`. A control frame goes to `#control`. A frame of the
 * application is counted by `Incoming`, and goes to {@link ConnectionOwner.receive}.
 */
import { comesBack } from "../protocol/close-codes.ts";
import {
  type ClientControl,
  controlText,
  isControl,
  readControl,
  unescapeText,
} from "../protocol/control-frames.ts";
import { resumeProtocol, sessionProtocol } from "../protocol/subprotocols.ts";
import { encodeToken } from "./address.ts";
import { Backoff } from "./backoff.ts";
import type { Gap, Status, WebSocketConstructor } from "./client.ts";
import { type Environment, isOpen, type Socket } from "./environment.ts";
import { ConnectionClosed, MayHaveBeenTaken } from "./errors.ts";
import { Incoming } from "./incoming.ts";
import { isCount, Outgoing, type OutgoingFrame, type QueueLimits } from "./outgoing.ts";
import { type ClientEvent, nextState } from "./states.ts";

/** The time limit for `hello` or `resumed`, in milliseconds, from the call of `token`. */
const connectTimeoutMs = 10_000;
/** The time limit for the answer to `beat`, in milliseconds. */
const beatTimeoutMs = 5_000;
/** A timer that fires later than this after its time shows that the device has slept. In milliseconds. */
const lateMs = 1_000;
/** The time for frames that are queued when `close` is called, and for the close handshake, in milliseconds. */
const closeTimeoutMs = 5_000;
const leaveTimeoutMs = 1_000;

/** The close code for a socket that the client gives up, and the one for a session that it ends. */
const givenUp = 3990;
const left = 1000;
/** The close code of a status for a frame that breaks the protocol. Browsers cannot send it. */
const protocolError = 1002;

export interface ConnectionSettings {
  readonly url: string;
  readonly protocols: readonly string[];
  readonly WebSocket: WebSocketConstructor;
  readonly queue: QueueLimits;
  /** Called without `this`. */
  readonly token: (() => string | Promise<string>) | undefined;
}

/** What a connection tells the client that it belongs to. The methods must not throw. */
export interface ConnectionOwner {
  changed(status: Status): void;
  receive(data: string | Uint8Array): void;
  missed(gap: Gap): void;
  report(error: unknown): void;
  /** The session has ended: no more answers will come to the frames that were taken. */
  ended(): void;
  /** A control frame that does not concern the connection. */
  control(frame: Readonly<Record<string, unknown> & { c: string }>): void;
  /** What the server needs to send relayed frames again, after a session was lost. */
  since(): ClientControl | undefined;
}

/** The fields of the last `hello`. */
interface Hello {
  readonly session?: string;
  readonly maxBytes: number;
  readonly maxPayload: number;
  readonly window: number;
  readonly beatMs: number;
  readonly protocol?: string;
}

/** One stay at a server, over any number of sockets. It connects until it is closed. */
export class Connection {
  readonly #settings: ConnectionSettings;
  readonly #owner: ConnectionOwner;
  readonly #environment: Environment;
  readonly #backoff: Backoff;
  readonly #incoming: Incoming;
  readonly #outgoing: Outgoing;
  readonly #pageListeners = new AbortController();
  readonly #closed: Promise<void>;
  #resolveClosed: () => void = () => {};
  #status: Status = { state: "connecting" };
  #socket: Socket | undefined;
  /** The number of the current socket. Nothing from an earlier socket counts. */
  #line = 0;
  #hello: Hello | undefined;
  /** The session to resume, and the number of attempts to resume it. */
  #session: string | undefined;
  #try = 0;
  /** Whether `hello` or `resumed` has arrived on the current socket. */
  #isOnline = false;
  #joinedAt = 0;
  /** Whether the timer waits for the next attempt to connect. */
  #isWaiting = false;
  /** The time of the next attempt, of giving the attempt up, or of the next look at {@link #heardAt}. */
  #timer: unknown;
  #heardAt = 0;
  #beatAt = 0;
  /** The number of `beat`s since anything was heard. */
  #beats = 0;
  #closeTimer: unknown;
  #isLeaving = false;

  constructor(settings: ConnectionSettings, owner: ConnectionOwner, environment: Environment) {
    this.#settings = settings;
    this.#owner = owner;
    this.#environment = environment;
    this.#backoff = new Backoff(environment.random);
    this.#incoming = new Incoming(environment, (n) => this.#write({ c: "ack", n }));
    this.#outgoing = new Outgoing(settings.queue);
    this.#closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    this.#listenToPage();
    void this.#connect();
  }

  get status(): Status {
    return this.#status;
  }

  /** The subprotocol that the server chose from those of the application. */
  get protocol(): string | undefined {
    return this.#hello?.protocol;
  }

  send(frame: OutgoingFrame): void {
    const status = this.#status;
    if (status.state === "closed")
      frame.reject(new ConnectionClosed(status.code, status.reason, status.status));
    else if (status.state === "closing") frame.reject(new ConnectionClosed(left, "close() was called"));
    else {
      this.#outgoing.add(frame);
      this.#pump();
    }
  }

  /** Removes a frame, unless it has been written. */
  cancel(frame: OutgoingFrame): void {
    this.#outgoing.cancel(frame);
  }

  close(): Promise<void> {
    if (this.#move("close")) {
      this.#closeTimer = this.#environment.setTimeout(() => this.#leave(), closeTimeoutMs);
      this.#leaveIfDone();
    }
    return this.#closed;
  }

  // ---- Connecting

  async #connect(): Promise<void> {
    if (this.#status.state === "closed") return;
    this.#isWaiting = false;
    const line = ++this.#line;
    const isCurrent = () => line === this.#line;
    const { url, protocols, WebSocket } = this.#settings;
    this.#setTimer(() => this.#lost(), connectTimeoutMs);
    try {
      // Never synchronously: the application has not added its listeners yet.
      const token = await Promise.resolve().then(this.#settings.token);
      if (!isCurrent()) return;
      const encoded = token ? [encodeToken(token)] : [];
      const session = this.#session;
      const resume = session === undefined ? [] : [resumeProtocol];
      const socket = new WebSocket(url, [sessionProtocol, ...resume, ...encoded, ...protocols]) as Socket;
      this.#socket = socket;
      socket.binaryType = "arraybuffer";
      socket.onopen = () => {
        if (isCurrent() && session !== undefined)
          this.#write({ c: "resume", session, try: ++this.#try, got: this.#incoming.got });
      };
      socket.onmessage = ({ data }) => {
        if (isCurrent()) this.#receive(data);
      };
      socket.onclose = ({ code, reason }) => {
        if (!isCurrent()) return;
        if (comesBack(code) === "never") this.#end(code, reason);
        else this.#lost();
      };
      // `onclose` follows. Without a listener, some sockets throw.
      socket.onerror = () => {};
    } catch (error) {
      if (!isCurrent()) return;
      this.#owner.report(error);
      this.#lost();
    }
  }

  /** The socket is of no use any more. @param afterMs the delay before the next attempt, if the server names it. */
  #lost(afterMs?: number): void {
    const joinedMs = this.#isOnline ? this.#environment.now() - this.#joinedAt : 0;
    this.#drop(givenUp);
    if (this.#hello !== undefined && this.#session === undefined) this.#owner.ended();
    const retryInMs = afterMs ?? this.#backoff.next(joinedMs);
    this.#setTimer(() => void this.#connect(), retryInMs);
    this.#isWaiting = true;
    this.#move("lost", { retryInMs });
  }

  /** Closes the socket. Nothing from it counts any more. */
  #drop(code: number): void {
    this.#line += 1;
    this.#isOnline = false;
    this.#isWaiting = false;
    this.#environment.clearTimeout(this.#timer);
    this.#incoming.startAt(this.#incoming.got);
    this.#socket?.close(code);
    this.#socket = undefined;
  }

  #join(event: ClientEvent): void {
    this.#isOnline = true;
    this.#joinedAt = this.#environment.now();
    this.#beats = 0;
    this.#watch();
    this.#move(event);
    this.#pump();
    this.#leaveIfDone();
  }

  // ---- Frames

  #receive(data: unknown): void {
    this.#heardAt = this.#environment.now();
    this.#beats = 0;
    if (typeof data === "string" && isControl(data)) {
      const frame = readControl(data);
      if (frame === undefined || !this.#control(frame)) this.#refuse();
    } else if (!this.#isOnline || this.#hello === undefined) this.#refuse();
    else {
      const content = typeof data === "string" ? unescapeText(data) : new Uint8Array(data as ArrayBuffer);
      this.#incoming.add(1, content.length, this.#hello.maxBytes / 4);
      this.#owner.receive(content);
    }
  }

  /** Returns false if the frame breaks the protocol. */
  #control(frame: Readonly<Record<string, unknown> & { c: string }>): boolean {
    const { code, reason, n, done } = frame;
    const isOnline = this.#isOnline;
    const isResuming = !isOnline && this.#session !== undefined;
    switch (frame.c) {
      case "hello":
        return !isOnline && !isResuming && isHello(frame) && this.#begin(frame);
      case "resumed":
        return isResuming && this.#resume(frame);
      case "gone":
        if (!isResuming || !isCount(code, 0) || (done !== undefined && !this.#outgoing.settle(done)))
          return false;
        if (comesBack(code) === "never") this.#end(code, String(reason));
        else this.#startAgain(frame.missed);
        return true;
      case "ack":
        if (!isOnline || !this.#outgoing.settle(n)) return false;
        this.#pump();
        this.#leaveIfDone();
        return true;
      case "skip":
        if (!isOnline || !isCount(n, 1)) return false;
        this.#incoming.add(n, 0, Number.POSITIVE_INFINITY);
        this.#owner.missed({ missed: n, fresh: false });
        return true;
      case "bye":
        return isCount(code, 0) && this.#dismiss(code, String(reason), frame.after);
      case "gap": {
        const { c: _c, ...gap } = frame;
        this.#owner.missed(gap as unknown as Gap);
      }
    }
    this.#owner.control(frame);
    return true;
  }

  /** `hello`: a session begins. */
  #begin(hello: Hello): true {
    const isAgain = this.#hello !== undefined;
    // After `gone`, the application knows already. Without a session, only now.
    const isNews = this.#status.state === "away";
    this.#hello = hello;
    this.#session = hello.session;
    this.#try = 0;
    this.#incoming.startAt(0);
    const since = isAgain && this.#owner.since();
    if (since) this.#write(since);
    this.#join("hello");
    if (isNews) this.#owner.missed({ fresh: true });
    return true;
  }

  /** `resumed`: the session goes on. */
  #resume({ received, done, from }: Readonly<Record<string, unknown>>): boolean {
    const { got } = this.#incoming;
    if (!isCount(from, got + 1) || !this.#outgoing.settle(done)) return false;
    if (!this.#outgoing.resend(received, (data) => this.#socket?.send(data))) return false;
    this.#incoming.startAt(from - 1);
    this.#join("resumed");
    if (from > got + 1) this.#owner.missed({ missed: from - 1 - got, fresh: false });
    return true;
  }

  /** `gone`: the session is lost. */
  #startAgain(missed: unknown): void {
    this.#drop(givenUp);
    this.#session = undefined;
    this.#outgoing.startAgain();
    this.#owner.ended();
    this.#move("gone");
    void this.#connect();
    this.#owner.missed({ ...(isCount(missed, 0) && { missed }), fresh: true });
    this.#leaveIfDone();
  }

  /** `bye`: the server closes the socket. */
  #dismiss(code: number, reason: string, after: unknown): true {
    const meaning = comesBack(code);
    const isFinal = meaning === "never" || (after === null && (this.#isOnline || meaning === "unless-bye"));
    if (isFinal) this.#end(code, reason, this.#isOnline && after === null);
    else this.#lost(typeof after === "number" ? after : undefined);
    return true;
  }

  #refuse(): void {
    if (this.#isOnline) this.#write({ c: "bye" });
    this.#end(protocolError, "The server has sent a malformed frame");
  }

  #write(frame: ClientControl): void {
    this.#socket?.send(controlText(frame));
  }

  #pump(): void {
    const socket = this.#socket;
    if (this.#isOnline && this.#hello !== undefined && socket?.readyState === isOpen)
      this.#outgoing.write(this.#hello, (data) => socket.send(data));
  }

  // ---- Signs of life

  /** Proves the line if nothing was heard for `beatMs`, and gives the socket up if the answer is missing. */
  #watch(): void {
    const now = this.#environment.now();
    if (this.#beats > 0) {
      const isLate = now - this.#beatAt > beatTimeoutMs + lateMs;
      if (isLate && this.#beats === 1) this.#beat();
      else this.#lost();
      return;
    }
    const beatMs = this.#hello?.beatMs ?? 0;
    const silentMs = Math.max(0, now - this.#heardAt);
    if (silentMs >= beatMs) this.#beat();
    else this.#setTimer(() => this.#watch(), beatMs - silentMs);
  }

  #beat(): void {
    this.#beats += 1;
    this.#beatAt = this.#environment.now();
    this.#write({ c: "beat" });
    this.#setTimer(() => this.#watch(), beatTimeoutMs);
  }

  #listenToPage(): void {
    const { page } = this.#environment;
    const { signal } = this.#pageListeners;
    const wake = () => {
      if (this.#isWaiting) void this.#connect();
      else if (this.#isOnline) this.#beat();
    };
    page.addEventListener?.("online", wake, { signal });
    page.addEventListener?.("pageshow", wake, { signal });
    page.document?.addEventListener?.(
      "visibilitychange",
      () => {
        if (page.document?.visibilityState === "visible") wake();
      },
      { signal },
    );
    page.addEventListener?.(
      "pagehide",
      ({ persisted }) => {
        // A page that the browser keeps resumes the session on `pageshow`.
        if (!persisted) this.#leave();
        else if (!this.#isWaiting) this.#lost();
      },
      { signal },
    );
  }

  // ---- The end

  #leaveIfDone(): void {
    if (this.#status.state === "closing" && this.#outgoing.isEmpty) this.#leave();
  }

  /** Ends the session. */
  #leave(): void {
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    this.#move("close");
    const socket = this.#socket;
    const end = () => this.#end(left, "");
    if (!this.#isOnline || socket === undefined) {
      end();
      return;
    }
    this.#write({ c: "bye" });
    this.#drop(left);
    socket.onclose = end;
    this.#environment.clearTimeout(this.#closeTimer);
    this.#closeTimer = this.#environment.setTimeout(end, leaveTimeoutMs);
  }

  /** @param isNotTaken whether the server has handled none of the frames that it did not confirm. */
  #end(code: number, reason: string, isNotTaken = false): void {
    const status = 3300 <= code && code < 3600 ? { status: code - 3000 } : {};
    if (!this.#move("end", { code, reason, ...status })) return;
    this.#drop(left);
    this.#environment.clearTimeout(this.#closeTimer);
    this.#pageListeners.abort();
    const error = new ConnectionClosed(code, reason, status.status);
    this.#outgoing.fail(error, isNotTaken ? error : new MayHaveBeenTaken());
    this.#owner.ended();
    this.#resolveClosed();
  }

  #setTimer(callback: () => void, ms: number): void {
    this.#environment.clearTimeout(this.#timer);
    this.#timer = this.#environment.setTimeout(callback, ms);
  }

  /** Changes the state. Returns false if the state does not take the event. */
  #move(event: ClientEvent, details: object = {}): boolean {
    const state = nextState(this.#status.state, event);
    if (state === undefined) return false;
    this.#status = { state, ...details } as Status;
    this.#owner.changed(this.#status);
    return true;
  }
}

function isHello(
  frame: Readonly<Record<string, unknown>>,
): frame is Readonly<Record<string, unknown>> & Hello {
  const { session, window, maxBytes, maxPayload, beatMs } = frame;
  return (
    (session === undefined || typeof session === "string") &&
    [window, maxBytes, maxPayload, beatMs].every((count) => isCount(count, 1))
  );
}
