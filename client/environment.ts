/** The timers, the time, the randomness and the page of a client, as the global object has them. Specs pass others. */
export interface Environment {
  setTimeout(callback: () => void, ms: number): unknown;
  clearTimeout(timer: unknown): void;
  /** The wall time, which advances while a device sleeps. */
  readonly Date: { now(): number };
  readonly Math: { random(): number };
  /** Undefined in a program without a page. */
  addEventListener?(
    type: string,
    listener: (event: PageEvent) => void,
    options: { readonly signal: AbortSignal },
  ): void;
  readonly document?: { readonly visibilityState: string };
}

export interface PageEvent {
  readonly type: string;
  /** Whether the browser keeps the page. */
  readonly persisted?: boolean;
}

/** The part of a WebSocket that a client uses. */
export interface Socket {
  binaryType: string;
  readonly readyState: number;
  onopen: ((event: unknown) => void) | null;
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  onclose: ((event: { readonly code: number; readonly reason: string }) => void) | null;
  onerror: (() => void) | null;
  send(data: string | Uint8Array): void;
  close(code: number): void;
}

/** The `readyState` of an open socket. */
export const openState = 1;
