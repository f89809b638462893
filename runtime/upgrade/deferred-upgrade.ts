import type { ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { bytesWritten, surviveErrors } from "../http-response.ts";
import type { RuntimeContext } from "../runtime-context.ts";
import { isAnswered, type UpgradeRequest } from "./answered.ts";

/**
 * Calls `proceed` once the `earlier` response of the connection has ended, unless that ends the connection.
 * If the client leaves before, or the response takes longer than `unansweredUpgradeMs`, destroys the socket.
 * Does not destroy a socket that a listener has taken over.
 */
export function deferUpgrade(
  request: UpgradeRequest,
  socket: Duplex,
  earlier: ServerResponse,
  proceed: () => void,
  { clock, counters, limits }: Pick<RuntimeContext, "clock" | "counters" | "limits">,
): void {
  // The number of written bytes tells nothing, because the earlier response writes, too.
  const isTaken = () => isAnswered(request, socket, bytesWritten(socket));
  const onEnd = () => {
    if (!isTaken()) socket.destroy();
  };
  const timer = clock.setTimeout(() => {
    if (isTaken()) return;
    counters.drop("unanswered");
    socket.destroy();
  }, limits.unansweredUpgradeMs);
  surviveErrors(socket);
  socket.on("end", onEnd);
  earlier.once("close", () => {
    clock.clearTimeout(timer);
    socket.off("end", onEnd);
    if (!socket.destroyed && !socket.writableEnded) proceed();
  });
}
