import type { ContractParamsInput, Replies, SendableFrames, ServerFrames } from "../contract/index.ts";

/** The state of a connection. `retryInMs` is the time until the next attempt, in milliseconds. */
export type Status =
  | { readonly state: "connecting" | "joined" | "closing" }
  | { readonly state: "away"; readonly retryInMs: number }
  | {
      readonly state: "closed";
      readonly code: number;
      readonly reason: string;
      /** The HTTP status of the refusal, if the server refused the connection. */
      readonly status?: number;
    };

/** Messages were lost, or may have been. The application should fetch its state again. */
export interface Gap {
  /** Absent if it concerns all groups. */
  readonly group?: string;
  /** The number of lost frames, if known. */
  readonly missed?: number;
  /** Whether the server has started a new session, without the state of the old one. */
  readonly fresh: boolean;
}

/** Options of {@link Client.send}. */
export interface SendOptions {
  /** Send the frame again if it may have been handled. @default false */
  readonly repeatable?: boolean;
}

/** Options of {@link Client.ask}. */
export interface AskOptions {
  /** The time limit for the reply, in milliseconds. @default 10_000 */
  readonly timeoutMs?: number;
  /** Aborting it rejects the promise with its reason. The server may handle the frame nevertheless. */
  readonly signal?: AbortSignal;
}

/** A constructor of WebSockets: the one of browsers and of Node 22, or that of the package `ws`. */
export type WebSocketConstructor = new (
  url: string,
  protocols: string[],
) => { send(data: string | Uint8Array): void; close(code?: number, reason?: string): void };

/** Options of {@link connect}. */
export interface ConnectOptions {
  /**
   * The address of the server. `http:` and `https:` stand for `ws:` and `wss:`. With a contract, the contract's path
   * follows the path of this address, before its query. An address such as `/?name=Ada` is relative to the page.
   * @default the origin of the page
   */
  readonly url?: string | URL;
  /**
   * A token for the guards, or a function that returns one. The function is called before each attempt to connect, and
   * when the sign-in expires soon and the server wants a new token. The token has at most 3,072 bytes of UTF-8, and is
   * never a part of the address.
   */
  readonly token?: string | (() => string | Promise<string>);
  /** Subprotocols of the application, from which the server may choose {@link Client.protocol}. */
  readonly protocols?: readonly string[];
  /** The constructor to use. Node 20 needs that of the package `ws`. @default the global `WebSocket` */
  readonly WebSocket?: WebSocketConstructor;
  /**
   * Whether to check the frames from the server against the contract. A frame that does not fit goes to `onError`
   * instead of the listeners.
   * @default whether `process.env.NODE_ENV` exists and is not "production"; bundlers replace it
   */
  readonly validate?: boolean;
  /** The maximum number of frames that the server has not handled yet. @default 1_000 */
  readonly maxQueue?: number;
  /** The maximum size of these frames, in bytes. @default 1_048_576 */
  readonly maxQueueBytes?: number;
}

/** The options of a connection with the contract `K`. */
export type ContractConnectOptions<K> = ConnectOptions &
  (Record<never, never> extends ContractParamsInput<K>
    ? { readonly params?: ContractParamsInput<K> }
    : { readonly params: ContractParamsInput<K> });

/** A connection, with or without a contract. */
export interface AnyClient {
  readonly status: Status;
  /** The subprotocol that the server chose from those of the application. */
  readonly protocol: string | undefined;
  /** Calls `listener` when the status changes. Returns a function that stops this. */
  onStatus(listener: (status: Status) => void): () => void;
  /** Calls `listener` when frames were lost, or may have been. Returns a function that stops this. */
  onGap(listener: (gap: Gap) => void): () => void;
  /**
   * Calls `listener` with each error that belongs to no call: a {@link FrameRefused} for a frame of `send` that the
   * server refused, a frame from the server that does not fit the contract, and what a listener or `token` has
   * thrown. Returns a function that stops this. Without a listener, the errors are reported as uncaught ones.
   */
  onError(listener: (error: unknown) => void): () => void;
  /**
   * Closes the connection. Frames that are queued are sent first. A client that is away comes back for them, and to end
   * its session. All of this takes at most 5 seconds. Resolves once the connection is closed.
   */
  close(): Promise<void>;
}

/** A connection whose frames follow the contract `K`. */
export interface Client<K> extends AnyClient {
  /** Calls `listener` for each frame of `type`. Returns a function that stops this. */
  on<T extends keyof ServerFrames<K> & string>(
    type: T,
    listener: (payload: ServerFrames<K>[T]) => void,
  ): () => void;
  /**
   * Resolves once the server's handler has settled, or has refused the frame; `onError` gets the refusal. If the
   * consumer has no sessions, resolves once the frame is handed to the socket. Frames are handled in the order of
   * the calls. While the connection is away, they wait.
   *
   * Rejects with {@link MayHaveBeenTaken} if the outcome can no longer be known, with {@link ConnectionClosed} if
   * the connection is closed, and with a {@link ClientError} if the frame is too large or too many frames wait.
   */
  send<T extends keyof SendableFrames<K> & string>(
    type: T,
    payload: SendableFrames<K>[T],
    options?: SendOptions,
  ): Promise<void>;
  /**
   * Resolves with the reply. Rejects with {@link FrameRefused} if the server refuses the frame or its handler throws,
   * with a {@link ClientError} if no reply comes in time, and as {@link send} does.
   */
  ask<T extends keyof Replies<K> & keyof SendableFrames<K> & string>(
    type: T,
    payload: SendableFrames<K>[T],
    options?: AskOptions,
  ): Promise<Replies<K>[T]>;
  /**
   * Iterates over the frames of `type` that arrive from now on, until the connection is closed. At most 1,000 frames
   * wait for the loop. After them, the iterator throws a {@link ClientError} with the code `ERR_EVENTS_OVERFLOW`.
   */
  events<T extends keyof ServerFrames<K> & string>(type: T): AsyncIterableIterator<ServerFrames<K>[T]>;
}

/** A connection without a contract: text, JSON and bytes. */
export interface RawClient extends AnyClient {
  /** Calls `listener` for each frame of text. Returns a function that stops this. */
  on(type: "text", listener: (text: string) => void): () => void;
  /** Calls `listener` with the value of each frame of text that is JSON. */
  on(type: "json", listener: (value: unknown) => void): () => void;
  /** Calls `listener` for each frame of bytes. */
  on(type: "bytes", listener: (bytes: Uint8Array) => void): () => void;
  /** Sends text or bytes. See {@link Client.send}. */
  send(frame: string | Uint8Array, options?: SendOptions): Promise<void>;
  /** Sends the JSON text of `value`. */
  sendJson(value: unknown, options?: SendOptions): Promise<void>;
}
