/** The timers, the time and the page that a client uses. Specs pass others. */
export interface Environment {
  /** The wall time in milliseconds. It advances while a device sleeps. */
  now(): number;
  setTimeout(callback: () => void, ms: number): unknown;
  clearTimeout(timer: unknown): void;
  /** Returns a number from 0 to 1. */
  random(): number;
  /** Dispatches `online`, `pageshow` and `pagehide`. Undefined members in a program without a page. */
  readonly page: PageEvents & { readonly document?: PageEvents & { readonly visibilityState?: string } };
}

interface PageEvents {
  addEventListener?(
    type: string,
    listener: (event: { readonly persisted?: boolean }) => void,
    options: { readonly signal: AbortSignal },
  ): void;
}

/** The longest delay of a timer of browsers and Node. They end a longer one at once. */
const maxDelayMs = 2 ** 31 - 1;

export const realEnvironment: Environment = {
  now: () => Date.now(),
  setTimeout: (callback, ms) => setTimeout(callback, Math.min(ms, maxDelayMs)),
  clearTimeout: (timer) => clearTimeout(timer as number),
  random: () => Math.random(),
  page: globalThis as Environment["page"],
};

/** The part of a WebSocket that a client uses. */
export interface Socket {
  binaryType: string;
  readonly readyState: number;
  onopen: (() => void) | null;
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  onclose: ((event: { readonly code: number; readonly reason: string }) => void) | null;
  onerror: (() => void) | null;
  send(data: string | Uint8Array): void;
  close(code?: number, reason?: string): void;
}

/** The `readyState` of an open socket. */
export const isOpen = 1;
