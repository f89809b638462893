import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Guard } from "../runtime/guards/guards.ts";
import type { PlainAnswer } from "../runtime/http-response.ts";
import { targetOf } from "../runtime/upgrade/request-scope.ts";

const parameter = "token";

const refusal = {
  status: 403,
  reason:
    "The inspector needs its token. Paste its address, which ends with ?token=…, into the address bar: " +
    "inspector() returned this address, and the program may have printed it",
};

/**
 * Admits requests that contain a token: in the query, as in the address of the page, or in a cookie. The
 * answer to a request with the token in its query sets the cookie.
 */
export class AccessToken {
  readonly #path: string;
  readonly #token: string;
  /** The value of the cookie. It is not the token, because a token may contain any character. */
  readonly #cookie: string;

  /** @param token any text that is not empty. @default 256 random bits */
  constructor(path: string, token = randomBytes(32).toString("base64url")) {
    this.#path = path;
    this.#token = token;
    this.#cookie = digest(token).toString("base64url");
  }

  /** The path and the query that open the page, such as `/inspect?token=…`. */
  get address(): string {
    return `${this.#path}?${new URLSearchParams({ [parameter]: this.#token })}`;
  }

  /** Refuses requests without the token or the cookie. Its time does not tell how much of a token is right. */
  readonly guard: Guard = (_, request) => (this.#admits(request) ? undefined : refusal);

  /** Answers requests that the guard admits. If the query contains the token, redirects to `page` without it. */
  signIn(page: PlainAnswer): PlainAnswer {
    return (request, response) => {
      const query = queryOf(request);
      if (!query.has(parameter)) {
        page(request, response);
        return;
      }
      query.delete(parameter);
      // The location is relative to the page's address, like the URLs in the page.
      const location = this.#path.slice(this.#path.lastIndexOf("/") + 1);
      response.writeHead(303, {
        Location: query.size > 0 ? `${location}?${query}` : location,
        "Set-Cookie": this.#setCookie(request),
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
      });
      response.end();
    };
  }

  /** Lets `file` answer only the requests that the guard admits. */
  protect(file: PlainAnswer): PlainAnswer {
    return (request, response) => {
      if (this.#admits(request)) {
        file(request, response);
        return;
      }
      const headers = { "Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store" };
      response.writeHead(refusal.status, headers).end(`${refusal.reason}\n`);
    };
  }

  /** The cookie lasts until the browser is closed, and is sent only by pages of the server's own site. */
  #setCookie(request: IncomingMessage): string {
    const cookie = `${cookieName(request)}=${this.#cookie}; Path=${this.#path}; HttpOnly; SameSite=Strict`;
    return isSecure(request) ? `${cookie}; Secure` : cookie;
  }

  #admits(request: IncomingMessage): boolean {
    const given = queryOf(request).get(parameter);
    if (given !== null && isSame(given, this.#token)) return true;
    const prefix = `${cookieName(request)}=`;
    const cookies = request.headers.cookie?.split("; ") ?? [];
    return cookies.some(
      (cookie) => cookie.startsWith(prefix) && isSame(cookie.slice(prefix.length), this.#cookie),
    );
  }
}

const digest = (text: string) => createHash("sha256").update(text).digest();

/** Takes a time that does not depend on the number of equal characters. Digests have equal lengths. */
const isSame = (given: string, expected: string) => timingSafeEqual(digest(given), digest(expected));

const queryOf = (request: IncomingMessage) => new URLSearchParams(targetOf(request).query);

/**
 * Contains the port that the browser sees. A browser sends a cookie to every port of a host, so processes on
 * one host would otherwise replace each other's cookies.
 */
function cookieName({ headers: { host = "" } }: IncomingMessage): string {
  const port = /:(\d{1,5})$/.exec(host)?.[1];
  return port === undefined ? "greenroom-inspector" : `greenroom-inspector-${port}`;
}

/** Whether the browser uses TLS, with this server or with a proxy that says so. */
function isSecure({ socket, headers }: IncomingMessage): boolean {
  return "encrypted" in socket || /^https\b/i.test(String(headers["x-forwarded-proto"]));
}
