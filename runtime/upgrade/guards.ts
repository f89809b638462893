import type { IncomingMessage } from "node:http";
import type { Scope } from "../../actors/index.ts";
import type { Refusal } from "../http-response.ts";

/**
 * Decides whether to let a request in, before it is answered and an actor is made. Guards run in order, those
 * of the runtime first, then those of the route:
 *
 * - returning nothing lets it in
 * - returning `{ status, reason }` refuses it with that HTTP status
 * - returning `{ user }` lets it in and sets `scope.user` for the guards after it and for the consumer
 *
 * If a guard throws, the answer is 500, and the error goes to `onError`.
 *
 * @example
 * ```ts
 * const authenticate: Guard = async (scope) => {
 *   const user = await sessions.find(scope.headers.cookie);
 *   return user ? { user } : { status: 401, reason: "Sign in first" };
 * };
 * createRuntime({ layers, guards: [originGuard(), authenticate] });
 * ```
 */
export type Guard = (scope: Scope, request: IncomingMessage) => Verdict | Promise<Verdict>;

// biome-ignore lint/suspicious/noConfusingVoidType: a guard that returns nothing lets in.
export type Verdict = Refusal | { readonly user: unknown } | undefined | void;

export interface OriginGuardOptions {
  /** Origins to let in besides the server's own, such as `https://app.example.com`. @default [] */
  readonly allow?: readonly string[];
  /** Whether to let in a request without `Origin`, which no browser sends. @default true */
  readonly allowMissing?: boolean;
}

/**
 * Refuses upgrades from pages of other sites with 403: a browser sends cookies along with those, too. It
 * compares host and port of the `Origin` with those of the `Host` header, exactly; the scheme may differ, as
 * it does behind a proxy that speaks TLS.
 *
 * @throws {TypeError} if an entry of `allow` is not an origin.
 */
export function originGuard({ allow = [], allowMissing = true }: OriginGuardOptions = {}): Guard {
  const allowed = new Set(allow.map(normalise));
  return ({ headers }) => {
    const { origin, host } = headers;
    if (origin === undefined) {
      return allowMissing ? undefined : { status: 403, reason: "A request without Origin is not let in" };
    }
    const url = parseUrl(origin);
    if (url && (allowed.has(url.origin) || isSameHost(url, host))) return undefined;
    return { status: 403, reason: "Pages of this origin are not let in" };
  };
}

const parseUrl = (text: string) => (URL.canParse(text) ? new URL(text) : undefined);

/** With the scheme of the origin, a default port that only one of the two names makes no difference. */
const isSameHost = ({ protocol, host }: URL, own: string | undefined) =>
  host !== "" && parseUrl(`${protocol}//${own ?? ""}`)?.host === host;

function normalise(origin: string): string {
  const normalised = parseUrl(origin)?.origin ?? "null";
  if (normalised !== "null") return normalised;
  throw new TypeError(`"${origin}" is not an origin: write it like "https://app.example.com".`);
}
