import { comesBack, refusalCode } from "../../protocol/close-codes.ts";
import { controlText } from "../../protocol/control-frames.ts";
import { sessionProtocol } from "../../protocol/subprotocols.ts";
import type { Refusal } from "../http-response.ts";
import { maxReasonBytes } from "../socket/close-frame.ts";
import { truncateBytes } from "../truncate.ts";
import type { SessionSocket } from "./session-socket.ts";

/**
 * Refuses a client that speaks the protocol of sessions: accepts the upgrade, and then refuses the client in its
 * socket. Browsers would hide the status and the reason of an HTTP answer from the page.
 */
export function refuseInside(socket: SessionSocket, refusal: Refusal): void {
  socket.transport.accept({ subprotocol: sessionProtocol });
  refuseAccepted(socket, refusal);
}

/** Refuses a client whose upgrade is accepted: says `bye`, and closes with 3000 plus the status. */
export function refuseAccepted({ transport }: SessionSocket, { status, reason, headers }: Refusal): void {
  const code = refusalCode + status;
  const after = comesBack(code) === "always" ? retryAfterMs(headers) : null;
  transport.writeControl(controlText({ c: "bye", code, reason, after }));
  transport.close(code, truncateBytes(reason, maxReasonBytes));
}

/** The seconds of a `Retry-After` header, in whole milliseconds; 0 if there are none. */
function retryAfterMs(headers: Refusal["headers"] = {}): number {
  const [, value] = Object.entries(headers).find(([name]) => name.toLowerCase() === "retry-after") ?? [];
  const seconds = Number(value);
  if (!Number.isFinite(seconds) || seconds <= 0) return 0;
  return Math.min(Math.round(seconds * 1_000), Number.MAX_SAFE_INTEGER);
}
