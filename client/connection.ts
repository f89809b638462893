/**
 * How one frame travels.
 *
 * To the server: `send` of a client passes the frame to `enqueue`, which puts it into the queue. Once
 * the connection is joined and the window has room, `pump` writes it to the socket. An `ack` of the server, or
 * `resumed` after a reconnect, takes it out of the queue and resolves the promise of `send`.
 *
 * From the server: the socket passes its data to `receive`. A control frame goes to `control`. A frame of the
 * application is counted, acknowledged within a second, and goes to `deliver` of the client.
 *
 * All state is in the variables of one function: a minifier shortens their names, and not those of members.
 */
import { isFinal } from "../protocol/close-codes.ts";
import { type ClientControl, controlText, isControl, unescapeText } from "../protocol/control-frames.ts";
import { resumeProtocol, sessionProtocol } from "../protocol/subprotocols.ts";
import { encodeToken } from "./address.ts";
import type { AnyClient, ConnectOptions, Gap, SendOptions, Status, WebSocketConstructor } from "./client.ts";
import type { Connection, ConnectionOwner, Control, Hello } from "./connection-types.ts";
import { type Environment, openState, type PageEvent, type Socket } from "./environment.ts";
import { ConnectionClosed, MayHaveBeenTaken } from "./errors.ts";
import { createListeners, reportUncaught } from "./listeners.ts";
import { createQueue, frameOf, type OutgoingFrame, toCount } from "./outgoing.ts";
import { type ClientEvent, nextState } from "./states.ts";
import {
  ackAfterMs,
  beatTimeoutMs,
  closeTimeoutMs,
  connectTimeoutMs,
  firstDelayMs,
  leaveTimeoutMs,
  maxDelayMs,
  stableAfterMs,
} from "./timing.ts";

/** The close code of a socket that the client gives up, and that of a session that it ends. */
const givenUp = 3990;
const normal = 1000;
/** The close code in the status after a frame that breaks the protocol. Browsers cannot send it. */
const protocolError = 1002;

/**
 * Opens a connection, which connects until it is closed.
 * @throws {TypeError} if there is no WebSocket.
 */
export function openConnection(
  url: string,
  options: ConnectOptions,
  environment: Environment,
  owner: ConnectionOwner,
): Connection {
  const { WebSocket = (globalThis as { readonly WebSocket?: WebSocketConstructor }).WebSocket } = options;
  if (!WebSocket) throw new TypeError("Pass WebSocket of the package ws.");
  const { token, protocols = [], maxQueue = 1_000, maxQueueBytes = 1_048_576 } = options;
  const errors = createListeners<unknown>(reportUncaught);
  const report = (error: unknown) => {
    if (!errors.call(error)) reportUncaught(error);
  };
  const statuses = createListeners<Status>(report);
  const gaps = createListeners<Gap>(report);
  const pageListeners = new AbortController();

  let status: Status = { state: "connecting" };
  let socket: Socket | undefined;
  /** The number of the attempt to connect. Nothing from an earlier socket counts. */
  let attempt = 0;
  /** The attempts that failed since the last success. */
  let failures = 0;
  let hello: Hello | undefined;
  /** The session to resume, and the number of attempts to resume it. */
  let session: string | undefined;
  let tries = 0;
  /** Whether `hello` or `resumed` has arrived on the current socket, and when. */
  let isOnline = false;
  let onlineAt = 0;
  let heardAt = 0;
  /** The number of `beat`s since anything was heard. */
  let beats = 0;
  /** The number of frames that have arrived in this session, or will never come. */
  let got = 0;
  /** The length of the frames without an acknowledgement, and the time of the first of them. */
  let unackedLength = 0;
  let unackedSince = 0;
  /** The time of the next attempt, of giving the attempt up, or of the next look at `heardAt`. */
  let timer: unknown;
  let ackTimer: unknown;
  let closeTimer: unknown;
  /** Why no more frames can be sent. */
  let refusal: ConnectionClosed | undefined;
  let isLeaving = false;
  let resolveClosed = () => {};
  const closed = new Promise<void>((resolve) => {
    resolveClosed = resolve;
  });

  const now = () => environment.Date.now();
  const schedule = (callback: () => void, ms: number) => {
    environment.clearTimeout(timer);
    timer = environment.setTimeout(callback, ms);
  };
  /** Writes to the socket, unless it closes. */
  const transmit = (data: string | Uint8Array) => {
    if (socket?.readyState === openState) socket.send(data);
  };
  const outgoing = createQueue(maxQueue, maxQueueBytes, transmit);
  const write = (frame: ClientControl) => transmit(controlText(frame));

  /** Changes the state. Returns false if the state does not take the event. */
  function move(event: ClientEvent, details?: object): boolean {
    const state = nextState(status.state, event);
    if (!state) return false;
    status = { state, ...details } as Status;
    statuses.call(status);
    return true;
  }

  function connect(): void {
    const mine = ++attempt;
    const ifCurrent =
      <E>(listener: (event: E) => void) =>
      (event: E) => {
        if (mine === attempt) listener(event);
      };
    schedule(lost, connectTimeoutMs);
    // Never at once: the application has not added its listeners yet.
    Promise.resolve()
      .then(() => (typeof token === "function" ? token() : token))
      .then(
        ifCurrent((value: string | undefined) => {
          const resume = session ? [resumeProtocol] : [];
          const credentials = value ? [encodeToken(value)] : [];
          const offered = [sessionProtocol, ...resume, ...credentials, ...protocols];
          socket = new (WebSocket as WebSocketConstructor)(url, offered) as Socket;
          socket.binaryType = "arraybuffer";
          socket.onopen = ifCurrent(() => {
            if (session) write({ c: "resume", session, try: ++tries, got });
          });
          socket.onmessage = ifCurrent(receive);
          socket.onclose = ifCurrent(({ code, reason }) => {
            if (isFinal(code)) end(code, reason);
            else lost();
          });
          // `onclose` follows. The package ws throws an error without a listener.
          socket.onerror = () => {};
        }),
      )
      .catch(
        ifCurrent((error) => {
          report(error);
          lost();
        }),
      );
  }

  /**
   * The socket is of no use any more.
   * @param afterMs the delay before the next attempt that the server asks for.
   */
  function lost(afterMs = 0): void {
    if (isOnline && now() - onlineAt >= stableAfterMs) failures = 0;
    drop(givenUp);
    if (!session) owner.ended?.(false);
    const limitMs = Math.min(maxDelayMs, firstDelayMs * 2 ** failures++);
    const retryInMs = afterMs + environment.Math.random() * limitMs;
    schedule(connect, retryInMs);
    move("lost", { retryInMs });
  }

  /** Closes the socket. Nothing from it counts any more. */
  function drop(code: number): void {
    attempt += 1;
    isOnline = false;
    environment.clearTimeout(timer);
    socket?.close(code);
    socket = undefined;
  }

  /** Proves the line if nothing was heard for `beatMs`, and gives the socket up if the answer is missing. */
  function watch(): void {
    const waitMs = (hello as Hello).beatMs - Math.max(0, now() - heardAt);
    if (beats > 1) lost();
    else if (beats > 0 || waitMs <= 0) beat();
    else schedule(watch, waitMs);
  }

  function beat(): void {
    beats += 1;
    write({ c: "beat" });
    schedule(watch, beatTimeoutMs);
  }

  function onPageEvent({ type, persisted }: PageEvent): void {
    if (type === "pagehide") {
      // A page that the browser keeps resumes the session on `pageshow`.
      if (!persisted) leave();
      else if (socket) lost();
    } else if (environment.document?.visibilityState !== "hidden") {
      if (isOnline) beat();
      else if (!socket) connect();
    }
  }

  // ---- Frames of the server

  function receive({ data }: { readonly data: unknown }): void {
    heardAt = now();
    beats = 0;
    try {
      if (typeof data === "string" && isControl(data)) control(JSON.parse(data.slice(1)));
      else {
        must(isOnline);
        const content = typeof data === "string" ? unescapeText(data) : new Uint8Array(data as ArrayBuffer);
        count(1, content.length);
        owner.deliver(content);
      }
    } catch {
      if (isOnline) write({ c: "bye" });
      end(protocolError, "Malformed frame");
    }
  }

  /** @throws an error if the frame breaks the protocol. */
  function control({ c, ...frame }: Control): void {
    must(typeof c === "string");
    const { code, reason, n, done, after, received, ...rest } = frame;
    const isResuming = !isOnline && session;
    if (c === "ack") {
      must(isOnline);
      outgoing.settle(n);
      pump();
    } else if (c === "skip") {
      must(isOnline);
      count(toCount(n, 1), 0);
      gaps.call({ missed: n as number, fresh: false });
    } else if (c === "gap") gaps.call(frame as unknown as Gap);
    else if (c === "hello") {
      must(!isOnline && !isResuming);
      begin(frame as unknown as Hello);
    } else if (c === "resumed") {
      must(isResuming);
      const lostFrames = toCount(rest.from, got + 1) - got - 1;
      outgoing.settle(done);
      outgoing.resend(received);
      startAt(got + lostFrames);
      join("resumed");
      if (lostFrames > 0) gaps.call({ missed: lostFrames, fresh: false });
    } else if (c === "gone") {
      // The actor of a joined client may have failed.
      must(session);
      if (done !== undefined) outgoing.settle(done);
      if (isFinal(toCount(code))) end(code as number, reason as string);
      else startAgain(rest);
    } else if (c === "bye") {
      if (after === null) end(toCount(code), reason as string, isOnline);
      else lost(toCount(after));
    } else owner.control?.({ c, ...frame });
  }

  /** `hello`: a session begins. */
  function begin(frame: Hello): void {
    const since = hello && owner.since?.();
    // After `gone`, the application knows already. Without a session, it learns only now that the old one is lost.
    const isNews = status.state === "away";
    for (const limit of [frame.window, frame.maxBytes, frame.maxPayload, frame.beatMs]) toCount(limit, 1);
    hello = frame;
    session = frame.session;
    tries = 0;
    startAt(0);
    if (since) write(since);
    join("hello");
    if (isNews) gaps.call({ fresh: true });
  }

  /** `gone`: the session is lost. */
  function startAgain(missed: object): void {
    session = undefined;
    outgoing.startAgain();
    owner.ended?.(false);
    drop(normal);
    connect();
    move("gone");
    gaps.call({ ...missed, fresh: true });
    pump();
  }

  function join(event: ClientEvent): void {
    isOnline = true;
    onlineAt = now();
    watch();
    move(event);
    pump();
  }

  /** Counts frames, and acknowledges them by time: each acknowledgement costs the server more than they do. */
  function count(frames: number, length: number): void {
    const acknowledge = () => {
      startAt(got);
      if (isOnline) write({ c: "ack", n: got });
    };
    if (!ackTimer) {
      unackedSince = now();
      ackTimer = environment.setTimeout(acknowledge, ackAfterMs);
    }
    got += frames;
    unackedLength += length;
    // The timer of a busy or frozen page fires late.
    if (now() - unackedSince >= ackAfterMs || unackedLength * 4 >= (hello as Hello).maxBytes) acknowledge();
  }

  /** The frames up to `count` have arrived or are lost, and the server knows. */
  function startAt(count: number): void {
    got = count;
    unackedLength = 0;
    environment.clearTimeout(ackTimer);
    ackTimer = undefined;
  }

  // ---- Frames of the application

  function enqueue(frame: OutgoingFrame): void {
    if (refusal) frame.reject(refusal);
    else {
      outgoing.add(frame);
      pump();
    }
  }

  const post = (data: string | Uint8Array, options?: SendOptions) =>
    new Promise<void>((resolve, reject) => enqueue(frameOf(data, resolve, reject, options)));

  /** Writes what the window allows, and leaves if the client is closed and everything is handled. */
  function pump(): void {
    if (isOnline) outgoing.write(hello as Hello);
    // Away, the actor would wait for the client until the server gives it up.
    const isHeard = isOnline || !session;
    if (status.state === "closing" && outgoing.isEmpty() && isHeard) leave();
  }

  // ---- The end

  function close(): Promise<void> {
    if (move("close")) {
      refusal = new ConnectionClosed({ code: normal, reason: "close was called" });
      closeTimer = environment.setTimeout(leave, closeTimeoutMs);
      pump();
      // The time for the queue may be shorter than the delay of the next attempt.
      if (!isLeaving && !socket) connect();
    }
    return closed;
  }

  function leave(): void {
    if (isLeaving) return;
    isLeaving = true;
    move("close");
    const finish = () => end(normal, "");
    const leaving = isOnline && socket;
    if (leaving) write({ c: "bye" });
    drop(normal);
    pageListeners.abort();
    if (leaving) {
      leaving.onclose = finish;
      schedule(finish, leaveTimeoutMs);
    } else finish();
  }

  /** @param isNotTaken whether the server has handled none of the frames that it did not confirm. */
  function end(code: number, reason: string, isNotTaken = false): void {
    const refused = 3300 <= code && code < 3600 && { status: code - 3000 };
    const error = new ConnectionClosed({ code, reason, ...refused });
    refusal = error;
    drop(normal);
    pageListeners.abort();
    environment.clearTimeout(closeTimer);
    startAt(got);
    move("end", { code, reason, ...refused });
    outgoing.fail(isNotTaken ? error : new MayHaveBeenTaken(), error);
    owner.ended?.(true);
    resolveClosed();
  }
  const { signal } = pageListeners;
  for (const type of ["online", "pageshow", "pagehide", "visibilitychange"])
    environment.addEventListener?.(type, onPageEvent, { signal });
  connect();

  const client: AnyClient = {
    get status() {
      return status;
    },
    get protocol() {
      return hello?.protocol;
    },
    onStatus: statuses.add,
    onGap: gaps.add,
    onError: errors.add,
    close,
  };
  return { client, report, post, enqueue, cancel: outgoing.cancel };
}

/** @throws {RangeError} unless `condition` holds. */
function must(condition: unknown): void {
  if (!condition) throw new RangeError();
}
