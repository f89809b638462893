import type { IncomingMessage } from "node:http";
import {
  maxTokenLength,
  resumeProtocol,
  sessionProtocol,
  sinceProtocol,
  tokenPrefix,
} from "../../protocol/subprotocols.ts";

/** The subprotocols of a request. */
export interface OfferedProtocols {
  /** The application's own subprotocols, in the order of the client. */
  readonly own: readonly string[];
  /** Whether the client speaks the protocol of sessions. */
  readonly hasSessions: boolean;
  /** Whether the client comes back to a session. */
  readonly isResuming: boolean;
  /** Whether the client has lost a session, and its first frame is `since`. */
  readonly isSinceDue: boolean;
  readonly token: string | undefined;
}

const none: OfferedProtocols = Object.freeze({
  own: Object.freeze([]),
  hasSessions: false,
  isResuming: false,
  isSinceDue: false,
  token: undefined,
});

/** Reads the subprotocols of a request. Those of this package are for the runtime alone. */
export function offeredProtocols({ headers }: IncomingMessage): OfferedProtocols {
  const header = headers["sec-websocket-protocol"];
  if (header === undefined) return none;
  const names = header.split(",").map((name) => name.trim());
  if (!header.includes("greenroom.")) return { ...none, own: names };
  const hasSessions = names.includes(sessionProtocol);
  return {
    own: names.filter((name) => !isOurs(name)),
    hasSessions,
    isResuming: hasSessions && names.includes(resumeProtocol),
    isSinceDue: hasSessions && names.includes(sinceProtocol),
    token: tokenIn(names),
  };
}

const isOurs = (name: string): boolean =>
  [sessionProtocol, resumeProtocol, sinceProtocol].includes(name) || name.startsWith(tokenPrefix);

function tokenIn(names: readonly string[]): string | undefined {
  const encoded = names.find((name) => name.startsWith(tokenPrefix))?.slice(tokenPrefix.length);
  if (encoded === undefined || encoded.length > maxTokenLength) return undefined;
  return Buffer.from(encoded, "base64url").toString();
}
