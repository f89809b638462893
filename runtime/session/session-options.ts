import type { Scope } from "../../actors/index.ts";
import type { Grant } from "../sign-in/grant.ts";
import type { TransportListener } from "../socket/transport.ts";
import type { SessionIdentity } from "./sessions.ts";

/** The actor of a session. */
export interface SessionListener extends TransportListener {
  /** The session has lost its socket, and waits for the client to come back. */
  away(code: number, reason: string): void;
  /** The client has come back. Its new request has this scope. */
  online(scope: Scope): void;
  /** The guards have admitted the client that comes back. @param grants undefined if its sign-in does not end */
  admit(grants: readonly Grant[] | undefined, scope: Scope): void;
  /** The client has sent a new token. @returns false if it is malformed */
  takeToken(token: unknown): boolean;
}

export interface SessionOptions extends SessionIdentity {
  /** The application's subprotocols that the client offers. */
  readonly offered: readonly string[];
  /** Whether the client has lost another session, and announces `since`. */
  readonly isSinceDue: boolean;
  /** Half of it is the room that `drained()` waits for. */
  readonly maxLagBytes: number;
}
