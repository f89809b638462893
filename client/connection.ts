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
import { resumeProtocol, sessionProtocol, sinceProtocol } from "../protocol/subprotocols.ts";
import { createAcknowledger } from "./acknowledger.ts";
import { encodeToken } from "./address.ts";
import type { AnyClient, ConnectOptions, Gap, SendOptions, Status, WebSocketConstructor } from "./client.ts";
import { givenUp, normal, protocolError } from "./close-codes.ts";
import type { Connection, ConnectionOwner, Control, Hello } from "./connection-types.ts";
import { must, toCount } from "./counts.ts";
import { type Environment, openState, type PageEvent, type Socket } from "./environment.ts";
import { ConnectionClosed } from "./errors.ts";
import { createListeners, reportUncaught } from "./listeners.ts";
import { createQueue, frameOf, type OutgoingFrame } from "./outgoing.ts";
import { type ClientEvent, type ClientState, nextState } from "./states.ts";
import {
  beatTimeoutMs,
  closeTimeoutMs,
  connectTimeoutMs,
  firstDelayMs,
  leaveTimeoutMs,
  maxDelayMs,
  maxTimerMs,
  stableAfterMs,
} from "./timing.ts";

/** Opens a connection, which connects until it is closed. @throws {TypeError} if there is no WebSocket. */
export function openConnection(
  url: string,
  options: ConnectOptions,
  environment: Environment,
  owner: ConnectionOwner,
): Connection {
  const { WebSocket = (globalThis as { readonly WebSocket?: WebSocketConstructor }).WebSocket } = options;
  if (!WebSocket) throw new TypeError("Pass WebSocket.");
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
  let session: string | undefined;
  /** The attempts to resume the session. */
  let tries = 0;
  /** Whether `hello` or `resumed` has arrived on the current socket, and when. */
  let isOnline = false;
  let onlineAt = 0;
  let heardAt = 0;
  /** The number of `beat`s since anything was heard. */
  let beats = 0;
  /** The number of frames that have arrived in this session, or will never come. */
  let got = 0;
  /** The time of the next attempt, of giving the attempt up, or of the next look at `heardAt`. */
  let timer: unknown;
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
    timer = environment.setTimeout(callback, Math.min(ms, maxTimerMs));
  };
  /** Writes to the socket, unless it closes. */
  const transmit = (data: string | Uint8Array) => {
    if (socket?.readyState === openState) socket.send(data);
  };
  const outgoing = createQueue(maxQueue, maxQueueBytes, transmit);
  const write = (frame?: ClientControl) => frame && transmit(controlText(frame));
  const acknowledger = createAcknowledger(environment, () => {
    if (isOnline) write({ c: "ack", n: got });
  });

  /** Changes the state. Returns undefined if the state does not take the event. */
  function move(event: ClientEvent, details?: object): ClientState | undefined {
    const state = nextState(status.state, event);
    if (state) {
      status = { state, ...details } as Status;
      statuses.call(status);
    }
    return state;
  }

  /** Never calls `token` at once: after `connect`, the application has not added its listeners yet. */
  const askForToken = () => Promise.resolve().then(() => (typeof token === "function" ? token() : token));

  function connect(): void {
    const mine = ++attempt;
    const ifCurrent =
      <E>(listener: (event: E) => void) =>
      (event: E) => {
        if (mine === attempt) listener(event);
      };
    schedule(lost, connectTimeoutMs);
    askForToken()
      .then(
        ifCurrent((value: string | undefined) => {
          const offered = [
            sessionProtocol,
            session ? resumeProtocol : owner.since?.(true) && sinceProtocol,
            value && encodeToken(value),
            ...protocols,
          ].filter(Boolean);
          socket = new (WebSocket as WebSocketConstructor)(url, offered as string[]) as Socket;
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
    else if (beats || waitMs <= 0) beat();
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
      // A page that wakes has several of these events.
      if (isOnline && !beats) beat();
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
  function control(frame: Control): void {
    const { c, code, reason, n, done, after, received, ...rest } = frame;
    must(typeof c === "string");
    const isResuming = !isOnline && !!session;
    if (c === "ack") {
      must(isOnline);
      outgoing.settle(n);
      pump();
    } else if (c === "skip") {
      must(isOnline);
      count(toCount(n, 1), 0);
      gaps.call({ missed: n as number, fresh: false });
    } else if (c === "gap") gaps.call(rest as unknown as Gap);
    else if (c === "hello") {
      must(!isOnline && !isResuming);
      begin(frame as unknown as Hello);
    } else if (c === "resumed") {
      must(isResuming);
      const lostFrames = toCount(rest.from, got + 1) - got - 1;
      outgoing.settle(done);
      outgoing.resend(received);
      write(owner.since?.(false));
      got += lostFrames;
      acknowledger.reset();
      join("resumed");
      if (lostFrames) gaps.call({ missed: lostFrames, fresh: false });
    } else if (c === "gone") {
      must(!!session);
      const isExact = done !== undefined;
      if (isExact) outgoing.settle(done);
      if (isFinal(toCount(code))) end(code as number, reason as string, isExact);
      else startAgain(isExact, rest);
    } else if (c === "bye") {
      if (after === null) end(toCount(code), reason as string, isOnline);
      else lost(toCount(after));
    } else if (c === "renew") renew();
    else owner.control?.(frame);
  }

  /** Answers the guards, which want a new token. */
  function renew(): void {
    askForToken()
      .then((value) => {
        if (isOnline && value && encodeToken(value)) write({ c: "renew", token: value });
      })
      .catch(report);
  }

  /** `hello`: a session begins. */
  function begin(frame: Hello): void {
    // After a resumption that failed, the application knows already that the old session is lost.
    const isNews = status.state === "away";
    toCount(frame.window, 1);
    toCount(frame.maxPayload, 1);
    toCount(frame.beatMs, 1);
    toCount(frame.maxBytes);
    hello = frame;
    session = frame.session;
    tries = 0;
    got = 0;
    acknowledger.reset();
    write(owner.since?.(true));
    join("hello");
    if (isNews) gaps.call({ fresh: true });
  }

  /** `gone`: the session is lost. See `endSession` for `isExact`. */
  function startAgain(isExact: boolean, missed: object): void {
    session = undefined;
    outgoing.endSession(isExact);
    if (isOnline) {
      // The actor has failed, and a frame that is sent again may make the next one fail. `hello` reports the gap.
      lost();
    } else {
      owner.ended?.(false);
      drop(normal);
      connect();
      move("gone");
      gaps.call({ ...missed, fresh: true });
    }
    pump();
  }

  function join(event: ClientEvent): void {
    isOnline = true;
    onlineAt = now();
    watch();
    move(event);
    pump();
  }

  /** Frames have arrived, or will never come. Without a session, frames are not counted. */
  function count(frames: number, length: number): void {
    if (!session) return;
    got += frames;
    acknowledger.add(length, (hello as Hello).maxBytes);
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
    if (status.state === "closing" && outgoing.isEmpty() && (isOnline || !session)) leave();
  }

  // ---- The end

  function close(): Promise<void> {
    if (move("close")) {
      refusal = new ConnectionClosed(normal, "close()");
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

  /** See `endSession` for `isExact`. */
  function end(code: number, reason: string, isExact = false): void {
    const httpStatus = 3300 <= code && code < 3490 ? code - 3000 : undefined;
    refusal = new ConnectionClosed(code, reason, httpStatus);
    drop(normal);
    pageListeners.abort();
    environment.clearTimeout(closeTimer);
    acknowledger.reset();
    move("end", { code, reason, ...(httpStatus && { status: httpStatus }) });
    outgoing.endSession(isExact, refusal);
    owner.ended?.(true);
    resolveClosed();
  }
  for (const type of ["online", "pageshow", "pagehide", "visibilitychange"])
    environment.addEventListener?.(type, onPageEvent, pageListeners);
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
