import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { leaveErrors, type Refusal, refuseUpgrade, surviveErrors } from "../http-response.ts";
import type { RuntimeContext } from "../runtime-context.ts";
import { isAnswered } from "./answered.ts";

const unanswered: Refusal = { status: 404, reason: "No listener of this server answered the upgrade" };

/**
 * Leaves an upgrade to the other listeners of the server. If no listener answers in time, refuses the
 * upgrade. If the client disconnects before an answer, destroys the socket. Does nothing to a socket that a
 * listener has answered.
 * @param written the result of `bytesWritten` before the listeners were called.
 */
export function leaveUpgrade(
  request: IncomingMessage,
  socket: Duplex,
  written: number,
  { clock, counters, limits }: Pick<RuntimeContext, "clock" | "counters" | "limits">,
): void {
  const timer = clock.setTimeout(() => {
    if (isAnsweredAtEnd()) return;
    counters.drop("unanswered");
    refuseUpgrade(socket, unanswered);
  }, limits.unansweredUpgradeMs);
  const onDisconnect = () => {
    if (!isAnsweredAtEnd()) socket.destroy();
  };
  /** Ends the watch, because the socket may have another owner now. */
  function isAnsweredAtEnd(): boolean {
    clock.clearTimeout(timer);
    socket.off("end", onDisconnect);
    socket.off("close", onDisconnect);
    const answered = isAnswered(request, socket, written);
    if (answered) leaveErrors(socket);
    return answered;
  }
  surviveErrors(socket);
  socket.on("end", onDisconnect);
  socket.on("close", onDisconnect);
}
