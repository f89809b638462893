import { comesBack } from "../protocol/close-codes.ts";
import { type ClientControl, controlText } from "../protocol/control-frames.ts";
import { resumeProtocol, sessionProtocol } from "../protocol/subprotocols.ts";
import { encodeToken } from "./address.ts";
import type { ConnectOptions, Status, WebSocketConstructor } from "./client.ts";
import { type Environment, openState, type PageEvent, type Socket } from "./environment.ts";
import { Listeners, reportUncaught } from "./listeners.ts";
import { type ClientEvent, nextState } from "./states.ts";

/** The time limit for `hello` or `resumed`, in milliseconds, from the call of `token`. */
const connectTimeoutMs = 10_000;
/** The time limit for the answer to `beat`, in milliseconds. */
const beatTimeoutMs = 5_000;
/** A timer that fires later than this after its time shows that the device has slept. In milliseconds. */
const lateMs = 1_000;
/**
 * The delay before an attempt to connect is random, from 0 to a limit that doubles with each failure: so the clients
 * of a server that was restarted do not come back at the same time. In milliseconds.
 */
const firstDelayMs = 500;
const maxDelayMs = 30_000;
/** A connection that was joined for this time was a success: the delays begin again. In milliseconds. */
const stableAfterMs = 10_000;
/** The close code of a socket that the client gives up. */
const givenUp = 3990;

/** The states of a connection, and its sockets: one after the other, until the end. */
export abstract class Line {
  readonly #errors = new Listeners<unknown>(reportUncaught);
  protected readonly report = (error: unknown): void => {
    if (!this.#errors.call(error)) reportUncaught(error);
  };
  readonly #statuses = this.listeners<Status>();
  readonly onStatus = this.#statuses.add;
  readonly onError = this.#errors.add;
  protected readonly environment: Environment;
  readonly #url: string;
  readonly #options: ConnectOptions;
  readonly #WebSocket: WebSocketConstructor;
  readonly #pageListeners = new AbortController();
  #status: Status = { state: "connecting" };
  #socket: Socket | undefined;
  /** The number of the attempt. Nothing from an earlier socket counts. */
  #attempt = 0;
  /** The attempts to connect that failed since the last success. */
  #failures = 0;
  /** Whether `hello` or `resumed` has arrived on the current socket. */
  protected isOnline = false;
  #onlineAt = 0;
  /** The time of the next attempt, of giving the attempt up, or of the next look at `heardAt`. */
  #timer: unknown;
  /** The longest silence of the server, in milliseconds. */
  #beatMs = 0;
  #heardAt = 0;
  #beatAt = 0;
  /** The number of `beat`s since anything was heard. */
  #beats = 0;

  /** @throws {TypeError} if there is no WebSocket. */
  constructor(url: string, options: ConnectOptions, environment: Environment) {
    const { WebSocket = (globalThis as { readonly WebSocket?: WebSocketConstructor }).WebSocket } = options;
    if (WebSocket === undefined)
      throw new TypeError("There is no WebSocket: pass the one of the package ws.");
    this.#url = url;
    this.#options = options;
    this.#WebSocket = WebSocket;
    this.environment = environment;
    const { signal } = this.#pageListeners;
    for (const type of ["online", "pageshow", "pagehide", "visibilitychange"])
      environment.addEventListener?.(type, (event) => this.#react(event), { signal });
    void this.connect();
  }

  get status(): Status {
    return this.#status;
  }

  /** The session to resume. */
  protected abstract readonly session: string | undefined;
  /** The first frame of a socket that resumes the session. */
  protected abstract resumption(session: string): ClientControl;
  protected abstract receive(data: unknown): void;
  /** The socket was closed with a final code. */
  protected abstract end(code: number, reason: string): void;
  /** Ends the session, because the page goes away. */
  protected abstract leave(): void;

  protected listeners<T>(): Listeners<T> {
    return new Listeners(this.report);
  }

  /** Changes the state. Returns false if the state does not take the event. */
  protected move(event: ClientEvent, details?: object): boolean {
    const state = nextState(this.#status.state, event);
    if (state === undefined) return false;
    this.#status = { state, ...details } as Status;
    this.#statuses.call(this.#status);
    return true;
  }

  protected async connect(): Promise<void> {
    const attempt = ++this.#attempt;
    const isCurrent = () => attempt === this.#attempt;
    const { token, protocols = [] } = this.#options;
    this.#setTimer(() => this.lost(), connectTimeoutMs);
    try {
      // Never at once: the application has not added its listeners yet.
      const value = await Promise.resolve().then(typeof token === "string" ? () => token : token);
      if (!isCurrent()) return;
      const { session } = this;
      const offered = session === undefined ? [sessionProtocol] : [sessionProtocol, resumeProtocol];
      if (value) offered.push(encodeToken(value));
      const socket = new this.#WebSocket(this.#url, [...offered, ...protocols]) as Socket;
      this.#socket = socket;
      socket.binaryType = "arraybuffer";
      socket.onopen = () => {
        if (isCurrent() && session !== undefined) this.write(this.resumption(session));
      };
      socket.onmessage = ({ data }) => {
        if (!isCurrent()) return;
        this.#heardAt = this.environment.Date.now();
        this.#beats = 0;
        this.receive(data);
      };
      socket.onclose = ({ code, reason }) => {
        if (!isCurrent()) return;
        if (comesBack(code) === "never") this.end(code, reason);
        else this.lost();
      };
      // `onclose` follows. The package ws throws an error without a listener.
      socket.onerror = () => {};
    } catch (error) {
      if (!isCurrent()) return;
      this.report(error);
      this.lost();
    }
  }

  protected online(beatMs: number): void {
    this.isOnline = true;
    this.#onlineAt = this.environment.Date.now();
    this.#beatMs = beatMs;
    this.#watch();
  }

  /** The socket is of no use any more. @param afterMs the delay before the next attempt, if the server names it. */
  protected lost(afterMs?: number): void {
    const { environment } = this;
    if (this.isOnline && environment.Date.now() - this.#onlineAt >= stableAfterMs) this.#failures = 0;
    this.drop(givenUp);
    const limitMs = Math.min(maxDelayMs, firstDelayMs * 2 ** this.#failures++);
    const retryInMs = afterMs ?? environment.Math.random() * limitMs;
    this.#setTimer(() => void this.connect(), retryInMs);
    this.move("lost", { retryInMs });
  }

  /** Closes the socket. Nothing from it counts any more. Returns it. */
  protected drop(code: number): Socket | undefined {
    const socket = this.#socket;
    this.#socket = undefined;
    this.#attempt += 1;
    this.isOnline = false;
    this.environment.clearTimeout(this.#timer);
    socket?.close(code);
    return socket;
  }

  protected stopListening(): void {
    this.#pageListeners.abort();
  }

  protected write(frame: ClientControl): void {
    this.transmit(controlText(frame));
  }

  /** Writes to the socket, unless it closes. */
  protected transmit(data: string | Uint8Array): void {
    if (this.#socket?.readyState === openState) this.#socket.send(data);
  }

  /** Proves the line if nothing was heard for `beatMs`, and gives the socket up if the answer is missing. */
  #watch(): void {
    const now = this.environment.Date.now();
    const silentMs = Math.max(0, now - this.#heardAt);
    const isLate = now - this.#beatAt > beatTimeoutMs + lateMs;
    if (this.#beats > 1 || (this.#beats > 0 && !isLate)) this.lost();
    else if (this.#beats > 0 || silentMs >= this.#beatMs) this.#beat();
    else this.#setTimer(() => this.#watch(), this.#beatMs - silentMs);
  }

  #beat(): void {
    this.#beats += 1;
    this.#beatAt = this.environment.Date.now();
    this.write({ c: "beat" });
    this.#setTimer(() => this.#watch(), beatTimeoutMs);
  }

  #react({ type, persisted }: PageEvent): void {
    if (type === "pagehide") {
      // A page that the browser keeps resumes the session on `pageshow`.
      if (!persisted) this.leave();
      else if (this.#socket) this.lost();
    } else if (this.environment.document?.visibilityState !== "hidden") {
      if (this.isOnline) this.#beat();
      else if (this.#socket === undefined) void this.connect();
    }
  }

  #setTimer(callback: () => void, ms: number): void {
    this.environment.clearTimeout(this.#timer);
    this.#timer = this.environment.setTimeout(callback, ms);
  }
}
