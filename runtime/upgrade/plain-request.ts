import type { IncomingMessage, ServerResponse } from "node:http";
import type { Refusal } from "../http-response.ts";
import { type Admission, isRefusal } from "./admission.ts";

/** Answers a plain request for a path that has nothing but a socket. */
export function requireUpgrade(_: IncomingMessage, response: ServerResponse): void {
  const reason = "This path speaks WebSocket: connect with a WebSocket client";
  answer(response, { status: 426, reason }, { Upgrade: "websocket", Connection: "Upgrade" });
}

/**
 * Answers a plain request for a socket's path as an upgrade would be answered, or as its route does where an upgrade would
 * get as far as the consumer. Browsers hide from scripts why an upgrade was refused; they show this.
 */
export async function answerPlainRequest(
  admission: Admission,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const found = admission.find(request);
  const admitted = isRefusal(found) ? found : await admission.guard(found, request);
  if (isRefusal(admitted)) answer(response, admitted);
  else admitted.route.answer(request, response);
}

function answer(response: ServerResponse, { status, reason }: Refusal, headers: object = {}): void {
  response.writeHead(status, {
    "Content-Type": "text/plain; charset=utf-8",
    "Cache-Control": "no-store",
    ...headers,
  });
  response.end(`${reason}\n`);
}
