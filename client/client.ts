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
  /** The time limit for the reply, in milliseconds. */
  readonly timeoutMs?: number;
  /** Aborting it rejects the promise. The server may handle the frame nevertheless. */
  readonly signal?: AbortSignal;
}

/** Options of {@link connect}. */
export interface ConnectOptions {
  /** The address of the server. @default the origin of the page */
  readonly url?: string | URL;
  /** Returns a token for the guards. Called before each attempt to connect. */
  readonly token?: () => string | Promise<string>;
  /** Whether to check the frames from the server. @default in development */
  readonly validate?: boolean;
}

/** The options of a connection with the contract `K`. */
export type ContractConnectOptions<K> = ConnectOptions &
  (Record<never, never> extends ContractParamsInput<K>
    ? { readonly params?: ContractParamsInput<K> }
    : { readonly params: ContractParamsInput<K> });

/** A connection whose frames follow the contract `K`. */
export interface Client<K> {
  readonly status: Status;
  /** Calls `listener` for each frame of `type`. Returns a function that stops this. */
  on<T extends keyof ServerFrames<K> & string>(
    type: T,
    listener: (payload: ServerFrames<K>[T]) => void,
  ): () => void;
  onStatus(listener: (status: Status) => void): () => void;
  onGap(listener: (gap: Gap) => void): () => void;
  /** Resolves once the server's handler has settled. Rejects if that can no longer be known. */
  send<T extends keyof SendableFrames<K> & string>(
    type: T,
    payload: SendableFrames<K>[T],
    options?: SendOptions,
  ): Promise<void>;
  /** Resolves with the reply. Rejects if the server refuses the frame. */
  ask<T extends keyof Replies<K> & keyof SendableFrames<K> & string>(
    type: T,
    payload: SendableFrames<K>[T],
    options?: AskOptions,
  ): Promise<Replies<K>[T]>;
  /** Iterates over the frames of `type`. */
  events<T extends keyof ServerFrames<K> & string>(type: T): AsyncIterableIterator<ServerFrames<K>[T]>;
  /** Sends what is queued first, for at most 5 seconds. */
  close(): Promise<void>;
}

/** A connection without a contract: text and bytes. */
export interface RawClient {
  readonly status: Status;
  on(type: "text", listener: (text: string) => void): () => void;
  on(type: "bytes", listener: (bytes: Uint8Array) => void): () => void;
  onStatus(listener: (status: Status) => void): () => void;
  onGap(listener: (gap: Gap) => void): () => void;
  send(frame: string | Uint8Array, options?: SendOptions): Promise<void>;
  close(): Promise<void>;
}
