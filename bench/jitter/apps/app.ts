import type { Server } from "node:http";

/** A message to all clients. Numbers begin at 0; the bench does not count messages with a negative number. */
export interface Headline {
  readonly number: number;
  /** The time of the broadcast, on the clock of the bench. */
  readonly at: number;
}

/** Sends a headline to all clients. */
export type Broadcast = (headline: Headline) => unknown;

/**
 * The server of an app. Each app is a folder with a `server.ts`, which exports `serve`, and a `client.ts`, which
 * exports `follow`.
 *
 * @param connector the layer or the adapter that connects the servers; `undefined` if there is one server
 */
export type Serve<Connector> = (server: Server, connector: Connector) => Broadcast | Promise<Broadcast>;

/**
 * The client of an app. It stays connected until the process ends.
 *
 * @param url the origin of the server
 * @param onGap called if the library tells the app that headlines may be missing
 */
export type Follow = (url: string, onHeadline: (headline: Headline) => void, onGap: () => void) => void;
