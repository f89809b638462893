import type { IncomingMessage } from "node:http";
import type { Scope } from "../../actors/index.ts";
import type { Refusal } from "../http-response.ts";

/**
 * Admits or refuses a request, before the request is answered and an actor is created. The guards of the
 * runtime run first, in order. Then the guards of the route run, in order. A guard returns its decision:
 *
 * - returning nothing admits the request
 * - returning `{ status, reason }` refuses the request with that HTTP status
 * - returning `{ user }` admits the request and sets `scope.user` for the later guards and the consumer
 *
 * If a guard throws or rejects, the answer is 500 and the error is reported to `onError`.
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

// biome-ignore lint/suspicious/noConfusingVoidType: a guard that returns nothing admits the request.
export type Verdict = Refusal | { readonly user: unknown } | undefined | void;

export interface OriginGuardOptions {
  /** Origins to allow, such as `https://app.example.com`, besides the server's own origin. @default [] */
  readonly allow?: readonly string[];
  /** Whether to allow requests without the `Origin` header. All browsers send this header. @default true */
  readonly allowMissing?: boolean;
}

/**
 * Refuses upgrades from pages of other sites with 403, because a browser sends cookies with such upgrades,
 * too. The host and the port in `Origin` must equal the host and the port in the `Host` header. The scheme
 * may differ, because a proxy may terminate TLS.
 * @throws {TypeError} if an entry of `allow` is not an origin.
 */
export function originGuard({ allow = [], allowMissing = true }: OriginGuardOptions = {}): Guard {
  const allowed = new Set(allow.map(normalise));
  return ({ headers }) => {
    const { origin, host } = headers;
    if (origin === undefined) {
      return allowMissing ? undefined : { status: 403, reason: "A request without Origin is not allowed" };
    }
    const url = parseUrl(origin);
    if (url && (allowed.has(url.origin) || isSameHost(url, host))) return undefined;
    return { status: 403, reason: "Pages of this origin are not allowed" };
  };
}

const parseUrl = (text: string) => (URL.canParse(text) ? new URL(text) : undefined);

/** Parses `own` with the scheme of the origin, so that a default port is the same as no port. */
const isSameHost = ({ protocol, host }: URL, own: string | undefined) =>
  host !== "" && parseUrl(`${protocol}//${own ?? ""}`)?.host === host;

function normalise(origin: string): string {
  const normalised = parseUrl(origin)?.origin ?? "null";
  if (normalised !== "null") return normalised;
  throw new TypeError(`"${origin}" is not an origin: write it like "https://app.example.com".`);
}
