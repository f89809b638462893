import type { IncomingMessage, ServerResponse } from "node:http";
import { type Admission, isRefusal } from "./admission.ts";
import type { Refusal } from "./http-answer.ts";

const upgradeRequired: Refusal = {
  status: 426,
  reason: "This path speaks WebSocket: connect with a WebSocket client",
};

/**
 * Answers a plain request for a socket's path as an upgrade would be answered, or with 426 where an upgrade would get
 * as far as the consumer. Browsers hide from scripts why an upgrade was refused; they show this.
 */
export async function answerPlainRequest(
  admission: Admission,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const found = admission.find(request);
  const admitted = isRefusal(found) ? found : await admission.guard(found, request);
  const { status, reason } = isRefusal(admitted) ? admitted : upgradeRequired;
  response.writeHead(status, {
    "Content-Type": "text/plain; charset=utf-8",
    "Cache-Control": "no-store",
    ...(status === 426 && { Upgrade: "websocket", Connection: "Upgrade" }),
  });
  response.end(`${reason}\n`);
}
