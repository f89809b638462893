/**
 * How one frame travels.
 *
 * To the server: `send` of a client passes the frame to {@link Connection.enqueue}, which puts it into the queue of
 * `Outgoing`. Once the connection is joined and the window has room, `Outgoing` writes it to the socket. An `ack`
 * of the server, or `resumed` after a reconnect, takes it out of the queue and resolves the promise of `send`.
 *
 * From the server: `Line` has the socket, and passes its data to {@link Connection.receive}. A control frame goes to
 * `#control`. A frame of the application is counted, acknowledged within a second, and goes to
 * {@link Connection.deliver}.
 */
import { comesBack } from "../protocol/close-codes.ts";
import { type ClientControl, isControl, readControl, unescapeText } from "../protocol/control-frames.ts";
import { addressOf } from "./address.ts";
import type { AnyClient, ConnectOptions, Gap, SendOptions } from "./client.ts";
import type { Environment } from "./environment.ts";
import { ConnectionClosed, MayHaveBeenTaken } from "./errors.ts";
import { Line } from "./line.ts";
import { isCount, Outgoing, type OutgoingFrame } from "./outgoing.ts";

/** The longest time between a frame and its acknowledgement, in milliseconds. */
const ackAfterMs = 1_000;
/** The time for frames that are queued when `close` is called, and for the close handshake, in milliseconds. */
const closeTimeoutMs = 5_000;
const leaveTimeoutMs = 1_000;
/** The close code of a session that the client ends. */
const normal = 1000;
/** The close code in the status after a frame that breaks the protocol. Browsers cannot send it. */
const protocolError = 1002;

type Control = Readonly<Record<string, unknown> & { c: string }>;

/** The fields of the last `hello`. */
interface Hello {
  readonly session?: string;
  readonly maxBytes: number;
  readonly maxPayload: number;
  readonly window: number;
  readonly beatMs: number;
  readonly protocol?: string;
}

const encoder = new TextEncoder();

/** One stay at a server, over any number of sockets. */
export abstract class Connection extends Line implements AnyClient {
  readonly #gaps = this.listeners<Gap>();
  readonly onGap = this.#gaps.add;
  readonly #outgoing: Outgoing;
  #hello: Hello | undefined;
  protected session: string | undefined;
  /** The number of attempts to resume the session. */
  #try = 0;
  /** The number of frames that have arrived in this session, or will never come. */
  #got = 0;
  /** The length of the frames that are not acknowledged. */
  #length = 0;
  /** The time of the first of them. */
  #since = 0;
  #ackTimer: unknown;
  /** Why no more frames can be sent. */
  #refusal: ConnectionClosed | undefined;
  #isLeaving = false;
  #closeTimer: unknown;
  #resolveClosed = () => {};
  readonly #closed = new Promise<void>((resolve) => {
    this.#resolveClosed = resolve;
  });

  /** @throws {TypeError} if there is no address or no WebSocket. */
  constructor(options: ConnectOptions, environment: Environment, path?: string) {
    super(addressOf(options, path), options, environment);
    this.#outgoing = new Outgoing(options.maxQueue ?? 1_000, options.maxQueueBytes ?? 1_048_576);
  }

  get protocol(): string | undefined {
    return this.#hello?.protocol;
  }

  /** Takes a frame of the application. */
  protected abstract deliver(data: string | Uint8Array): void;
  /** A control frame that does not concern the connection. */
  protected control(_frame: Control): void {}
  /** What the server needs to send relayed frames again, after a session was lost. */
  protected since(): ClientControl | undefined {
    return undefined;
  }
  /** The session has ended: no more answers will come to the frames that were taken. */
  protected ended(): void {}

  /** A frame in its wire form. */
  protected frame(
    data: string | Uint8Array,
    resolve: () => void,
    reject: (error: Error) => void,
    isRepeatable = false,
  ): OutgoingFrame {
    const { length } = typeof data === "string" ? encoder.encode(data) : data;
    return { data, size: length, isRepeatable, resolve, reject };
  }

  protected enqueue(frame: OutgoingFrame): void {
    if (this.#refusal) frame.reject(this.#refusal);
    else {
      this.#outgoing.add(frame);
      this.#pump();
    }
  }

  /** Removes a frame, unless it has been written. */
  protected cancel(frame: OutgoingFrame): void {
    this.#outgoing.cancel(frame);
  }

  /** Sends a frame in its wire form. */
  protected post(data: string | Uint8Array, options?: SendOptions): Promise<void> {
    return new Promise((resolve, reject) => {
      this.enqueue(this.frame(data, resolve, reject, options?.repeatable));
    });
  }

  close(): Promise<void> {
    if (this.move("close")) {
      this.#refusal = new ConnectionClosed(normal, "close was called");
      this.#closeTimer = this.environment.setTimeout(() => this.leave(), closeTimeoutMs);
      this.#pump();
    }
    return this.#closed;
  }

  protected resumption(session: string): ClientControl {
    return { c: "resume", session, try: ++this.#try, got: this.#got };
  }

  protected receive(data: unknown): void {
    if (typeof data === "string" && isControl(data)) {
      const frame = readControl(data);
      if (frame && this.#control(frame)) return;
    } else if (this.isOnline) {
      const content = typeof data === "string" ? unescapeText(data) : new Uint8Array(data as ArrayBuffer);
      this.#count(1, content.length);
      this.deliver(content);
      return;
    }
    if (this.isOnline) this.write({ c: "bye" });
    this.end(protocolError, "The server has sent a malformed frame");
  }

  /** Returns false if the frame breaks the protocol. */
  #control(frame: Control): boolean {
    const { c, code, n, done } = frame;
    const { isOnline } = this;
    const isResuming = !isOnline && this.session !== undefined;
    const reason = String(frame.reason);
    if (c === "hello") return !isOnline && !isResuming && isHello(frame) && this.#begin(frame);
    if (c === "resumed") return isResuming && this.#resume(frame);
    if (c === "gone") {
      if (!isResuming || !isCount(code) || (done !== undefined && !this.#outgoing.settle(done))) return false;
      if (comesBack(code) === "never") this.end(code, reason);
      else this.#startAgain(frame.missed);
    } else if (c === "bye") return isCount(code) && this.#dismiss(code, reason, frame.after);
    else if (c === "ack") {
      if (!isOnline || !this.#outgoing.settle(n)) return false;
      this.#pump();
    } else if (c === "skip") {
      if (!isOnline || !isCount(n, 1)) return false;
      this.#count(n, 0);
      this.#gaps.call({ missed: n, fresh: false });
    } else {
      this.control(frame);
      if (c === "gap") {
        const { c: _, ...gap } = frame;
        this.#gaps.call(gap as unknown as Gap);
      }
    }
    return true;
  }

  /** `hello`: a session begins. */
  #begin(hello: Hello): boolean {
    const since = this.#hello && this.since();
    // After `gone`, the application knows already. Without a session, it learns only now that the old one is lost.
    const isNews = this.status.state === "away";
    this.#hello = hello;
    this.session = hello.session;
    this.#try = 0;
    this.#startAt(0);
    if (since) this.write(since);
    this.online(hello.beatMs);
    this.move("hello");
    this.#pump();
    if (isNews) this.#gaps.call({ fresh: true });
    return true;
  }

  /** `resumed`: the session goes on. */
  #resume({ received, done, from }: Control): boolean {
    const next = this.#got + 1;
    if (!this.#hello || !isCount(from, next) || !this.#outgoing.settle(done)) return false;
    if (!this.#outgoing.resend(received, (data) => this.transmit(data))) return false;
    this.#startAt(from - 1);
    this.online(this.#hello.beatMs);
    this.move("resumed");
    this.#pump();
    if (from > next) this.#gaps.call({ missed: from - next, fresh: false });
    return true;
  }

  /** `gone`: the session is lost. */
  #startAgain(missed: unknown): void {
    this.session = undefined;
    this.#outgoing.startAgain();
    this.ended();
    this.drop(normal);
    void this.connect();
    this.move("gone");
    this.#gaps.call(isCount(missed) ? { missed, fresh: true } : { fresh: true });
    this.#pump();
  }

  /** `bye`: the server closes the socket. */
  #dismiss(code: number, reason: string, after: unknown): boolean {
    const meaning = comesBack(code);
    const isFinal = after === null && (this.isOnline || meaning === "unless-bye");
    if (isFinal || meaning === "never") this.end(code, reason, isFinal && this.isOnline);
    else this.lost(typeof after === "number" ? after : undefined);
    return true;
  }

  protected override lost(afterMs?: number): void {
    if (this.#hello && this.session === undefined) this.ended();
    super.lost(afterMs);
  }

  /** Writes what the window allows, and leaves if the client is closed and everything is handled. */
  #pump(): void {
    if (this.isOnline && this.#hello) this.#outgoing.write(this.#hello, (data) => this.transmit(data));
    if (this.status.state === "closing" && this.#outgoing.length === 0) this.leave();
  }

  /** Counts frames, and acknowledges them by time: each acknowledgement costs the server more than they do. */
  #count(count: number, length: number): void {
    const now = this.environment.Date.now();
    const flush = () => {
      this.#startAt(this.#got);
      if (this.isOnline) this.write({ c: "ack", n: this.#got });
    };
    this.#got += count;
    this.#length += length;
    if (this.#ackTimer === undefined) {
      this.#since = now;
      this.#ackTimer = this.environment.setTimeout(flush, ackAfterMs);
    }
    // The timer of a busy or frozen page fires late.
    if (now - this.#since >= ackAfterMs || this.#length * 4 >= (this.#hello?.maxBytes ?? 0)) flush();
  }

  /** The frames up to `got` have arrived or are lost, and the server knows. */
  #startAt(got: number): void {
    this.#got = got;
    this.#length = 0;
    this.environment.clearTimeout(this.#ackTimer);
    this.#ackTimer = undefined;
  }

  protected leave(): void {
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    this.move("close");
    const end = () => this.end(normal, "");
    const wasOnline = this.isOnline;
    if (wasOnline) this.write({ c: "bye" });
    const socket = this.drop(normal);
    this.stopListening();
    if (!wasOnline || socket === undefined) {
      end();
      return;
    }
    socket.onclose = end;
    this.environment.clearTimeout(this.#closeTimer);
    this.#closeTimer = this.environment.setTimeout(end, leaveTimeoutMs);
  }

  /** @param isNotTaken whether the server has handled none of the frames that it did not confirm. */
  protected end(code: number, reason: string, isNotTaken = false): void {
    const isRefusal = 3300 <= code && code < 3600;
    const error = new ConnectionClosed(code, reason, isRefusal ? code - 3000 : undefined);
    this.#refusal = error;
    this.drop(normal);
    this.stopListening();
    this.environment.clearTimeout(this.#closeTimer);
    this.environment.clearTimeout(this.#ackTimer);
    this.move("end", isRefusal ? { code, reason, status: error.status } : { code, reason });
    this.#outgoing.fail(isNotTaken ? error : new MayHaveBeenTaken(), error);
    this.ended();
    this.#resolveClosed();
  }
}

function isHello(frame: Readonly<Record<string, unknown>>): frame is Control & Hello {
  const { session = "", window, maxBytes, maxPayload, beatMs } = frame;
  return (
    typeof session === "string" && [window, maxBytes, maxPayload, beatMs].every((count) => isCount(count, 1))
  );
}
