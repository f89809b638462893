import type { IncomingMessage, ServerResponse } from "node:http";
import type { ResponseHeaders } from "../../actors/index.ts";
import { type Refusal, refusePlainRequest } from "../http-response.ts";
import { foreignOrigin } from "./guards.ts";

/**
 * The headers with which a page of the request's origin may read the answer to a request with cookies. The
 * page may also read the headers that a guard has added to its `refusal`.
 */
export function readable({ headers }: IncomingMessage, refusal?: Refusal): ResponseHeaders {
  const exposed = new Set(["Retry-After", ...Object.keys(refusal?.headers ?? {})]);
  return {
    "Access-Control-Allow-Origin": headers.origin ?? "",
    "Access-Control-Allow-Credentials": "true",
    "Access-Control-Expose-Headers": [...exposed].join(", "),
  };
}

/** Whether `request` is the question of a browser whether a page may send another request (a preflight). */
export function isPreflight({ method, headers }: IncomingMessage): boolean {
  return method === "OPTIONS" && headers["access-control-request-method"] !== undefined;
}

/** Answers a preflight. Guards do not run, because a preflight has no cookies. */
export function answerPreflight(request: IncomingMessage, response: ServerResponse, isLetIn: boolean): void {
  if (!isLetIn) {
    refusePlainRequest(response, foreignOrigin);
    return;
  }
  response.writeHead(204, {
    ...readable(request),
    "Access-Control-Allow-Methods": "GET, HEAD",
    "Access-Control-Allow-Headers": request.headers["access-control-request-headers"] ?? "",
    Vary: "Origin, Access-Control-Request-Headers",
  });
  response.end();
}
