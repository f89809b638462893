import type { IncomingMessage, ServerResponse } from "node:http";
import type { Registry } from "prom-client";

/** Answers each GET request with a scrape of `register`. @param onError receives the error of a failed scrape */
export function metricsListener(register: Registry, onError: (error: unknown) => void) {
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.writeHead(405, { Allow: "GET, HEAD" }).end();
      return;
    }
    const text = await register.metrics();
    response.writeHead(200, { "Content-Type": register.contentType, "Cache-Control": "no-store" });
    response.end(request.method === "HEAD" ? undefined : text);
  };
  return (request: IncomingMessage, response: ServerResponse): void => {
    answer(request, response).catch((error: unknown) => {
      onError(error);
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  };
}
