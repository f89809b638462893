import { type IncomingMessage, ServerResponse } from "node:http";
import type { ResponseHeaders } from "../../actors/index.ts";
import { framingHeaders, type Refusal } from "../http-response.ts";
import type { Guard, Verdict } from "./guards.ts";

/** Middleware of Express or Connect. A method, so that its parameters may have the types of Express. */
export type Middleware = {
  run(request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void): unknown;
}["run"];

/**
 * Returns a guard that calls middleware of Express or Connect in order, and then `decide`. So the guard finds what
 * the middleware adds to the request, such as `request.session` of express-session or `request.user` of passport.
 *
 * - If middleware answers the request, the answer refuses the connection, with its status, headers and body.
 * - If middleware calls `next` with an error whose `status` or `statusCode` is from 400 to 499, the error refuses the
 *   connection. Any other error is an error of the guard.
 *
 * Request and response are those of `node:http`, without the methods that Express adds. If the guard admits the
 * connection, the response is not sent: middleware cannot set a cookie.
 *
 * @param decide returns the verdict of the guard: see {@link Guard}.
 *
 * @example
 * ```ts
 * const sessions = session({ secret, resave: false, saveUninitialized: false });
 * app.use(sessions);
 * const signedIn = middlewareGuard([sessions], ({ session }: express.Request) =>
 *   session.user ? { user: session.user } : { status: 401, reason: "Sign in first" },
 * );
 * ```
 */
export function middlewareGuard<R extends IncomingMessage, U = never>(
  middleware: readonly Middleware[],
  decide: (request: R) => Verdict<U> | Promise<Verdict<U>>,
): Guard<U> {
  return async (_, request) => {
    // All middleware gets the same response: middleware may set a header of another's answer.
    const response = new RefusingResponse(request);
    for (const one of middleware) {
      const refusal = await Promise.race([response.refusal, pass(one, request, response)]);
      if (refusal !== undefined) return refusal;
    }
    return decide(request as R);
  };
}

/** Calls middleware. Resolves once it calls `next`: to a refusal if it does so with an error that refuses. */
async function pass(
  middleware: Middleware,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<Refusal | undefined> {
  try {
    return await new Promise<undefined>((resolve, reject) => {
      let hasCalledNext = false;
      const next = (error?: unknown) => {
        hasCalledNext = true;
        if (error) reject(error);
        else resolve(undefined);
      };
      // Middleware may return a promise that rejects. After `next`, only the owner of the guard can report this.
      Promise.resolve(middleware(request, response, next)).catch((error: unknown) => {
        if (hasCalledNext) throw error;
        reject(error);
      });
    });
  } catch (error) {
    const refusal = asRefusal(error);
    if (refusal === undefined) throw error;
    return refusal;
  }
}

/** The refusal that an error stands for, as those of http-errors and express-jwt do. */
function asRefusal(error: unknown): Refusal | undefined {
  if (!(error instanceof Error)) return undefined;
  const { message, status, statusCode } = error as Error & { status?: unknown; statusCode?: unknown };
  const code = status ?? statusCode;
  const isRefusal = typeof code === "number" && Number.isInteger(code) && code >= 400 && code < 500;
  return isRefusal ? { status: code, reason: message } : undefined;
}

/** A response that is not sent. If middleware ends it, it becomes a refusal. */
class RefusingResponse extends ServerResponse {
  /** Resolves once middleware has ended the response. */
  readonly refusal: Promise<Refusal>;
  #refuse: (refusal: Refusal) => void = () => {};
  readonly #body: Uint8Array[] = [];

  constructor(request: IncomingMessage) {
    super(request);
    this.refusal = new Promise((resolve) => {
      this.#refuse = resolve;
    });
  }

  override writeHead(status: number, ...rest: readonly unknown[]): this {
    this.statusCode = status;
    const headers = rest.findLast((value) => typeof value === "object") ?? {};
    if (Array.isArray(headers)) this.#setList(headers);
    else {
      for (const [name, value] of Object.entries(headers))
        if (value !== undefined) this.setHeader(name, value);
    }
    return this;
  }

  override write(chunk: string | Uint8Array, ...rest: readonly unknown[]): boolean {
    const encoding = rest.find((value) => typeof value === "string") as BufferEncoding | undefined;
    this.#body.push(typeof chunk === "string" ? Buffer.from(chunk, encoding) : chunk);
    const written = rest.find((value) => typeof value === "function");
    if (written) process.nextTick(written);
    return true;
  }

  override end(...[chunk, ...rest]: readonly unknown[]): this {
    if (chunk !== undefined && chunk !== null && typeof chunk !== "function") {
      this.write(chunk as string | Uint8Array, ...rest);
    }
    // Some middleware, such as that of sessions, sets its headers when the head is written.
    this.writeHead(this.statusCode);
    const headers = Object.entries(this.getHeaders()).filter(([name]) => !framingHeaders.includes(name));
    this.#refuse({
      status: this.statusCode,
      reason: Buffer.concat(this.#body).toString().trim(),
      headers: Object.fromEntries(headers) as ResponseHeaders,
    });
    return this;
  }

  /** Sets headers from a list of names and values in turn, in which a name may occur several times. */
  #setList(list: readonly string[]): void {
    for (let index = 0; index < list.length; index += 2) this.removeHeader(`${list[index]}`);
    for (let index = 0; index < list.length; index += 2)
      this.appendHeader(`${list[index]}`, `${list[index + 1]}`);
  }
}
