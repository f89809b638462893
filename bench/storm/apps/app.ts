export interface Listeners {
  /** The client is connected, for the first time or again. */
  onJoined(): void;
  onText(text: string): void;
  /** The client has come back without its session. */
  onFresh(): void;
}

/**
 * A client that stays connected until the process ends. Each file in this folder exports `stay`.
 *
 * @param query names the client's rooms, as the servers of `bench/fan-out` expect them
 * @returns a function that sends a text
 */
export type Stay = (origin: string, query: string, listeners: Listeners) => (text: string) => void;
