import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { Forwarded, Scope } from "../../actors/index.ts";
import type { Refusal } from "../http-response.ts";
import type { AdmittedUser } from "../sign-in/grant.ts";
import { isOwnOrigin, OriginList } from "./origins.ts";

/**
 * Admits or refuses a request, before the request is answered and an actor is created. The guards of the
 * runtime run first, in order. Then the guards of the route run, in order. A guard returns its decision:
 *
 * - returning nothing admits the request
 * - returning `{ status, reason }`, with or without `headers`, refuses the request: see {@link Refusal}
 * - returning `{ user }` admits the request and sets `scope.user` for the later guards and the consumer. With
 *   `userKey`, also tells the user apart from others, for the resume of a session. With `expiresAt`, the connection
 *   ends at this time, unless `renew` has accepted a new token of the client before: see {@link AdmittedUser}
 *
 * If a guard throws or rejects, or if it returns an invalid refusal or another value, such as `false`, the
 * answer is 500 and the error is reported to `onError`.
 *
 * `U` is the type of the user that the guard finds. `route` refuses a consumer that needs another user. A guard
 * without `U` finds none.
 *
 * Guards run for upgrades, and also for plain GET requests, by which a page asks why its upgrade was refused.
 * So a guard MUST NOT use up a one-time ticket: use it up in `connect`.
 *
 * @example
 * ```ts
 * const authenticate: Guard<User> = async (scope) => {
 *   const user = await sessions.find(scope.cookies.session);
 *   return user ? { user } : { status: 401, reason: "Sign in first" };
 * };
 * createRuntime({ layers, guards: [originGuard(), authenticate] });
 * ```
 */
export type Guard<U = never> = (scope: Scope, request: IncomingMessage) => Verdict<U> | Promise<Verdict<U>>;

/** The result of a guard: a refusal, a user, or nothing, which admits the request without a user. */
// biome-ignore lint/suspicious/noConfusingVoidType: a guard that returns nothing admits the request.
export type Verdict<U = never> = Refusal | AdmittedUser<U> | undefined | void;

/** A guard that may find a user of any type. */
export type AnyGuard = Guard<unknown>;

/** Options of {@link originGuard}. */
export interface OriginGuardOptions {
  /**
   * Origins to allow, besides the server's own origin. Upper and lower case are the same. An entry is one of:
   *
   * - a scheme, a host, and a port unless it is the scheme's default port: `https://app.example.com`,
   *   `http://localhost:3000`, `tauri://localhost`, `chrome-extension://abcdefghijklmnop`
   * - the same without the scheme, which stands for both `http` and `https`: `app.example.com`
   * - the same with `*.` or `.` before the host. The entry matches this host, and all its subdomains:
   *   `https://*.example.com` matches `https://example.com` and `https://a.b.example.com`
   * - the same with `:*` as the port. The entry matches every port: `http://localhost:*`
   * - `null`, which browsers send for `file:` pages, but also for sandboxed frames in pages of **all** sites
   *
   * @default []
   */
  readonly allow?: readonly string[];
  /** Whether to allow requests without the header `Origin`. Browsers send it with upgrades. @default true */
  readonly allowMissing?: boolean;
}

/** The refusals of origin guards. */
const originRefusals = new WeakSet<Refusal>();

/** Whether an origin guard has refused the request. Such a refusal does not even open a socket. */
export const isOriginRefusal = (refusal: Refusal): boolean => originRefusals.has(refusal);

export const foreignOrigin: Refusal = {
  status: 403,
  reason: "Pages of this origin are not allowed",
  cause: "origin",
};

const missingOrigin: Refusal = {
  status: 403,
  reason: "A request without Origin is not allowed",
  cause: "origin",
};
originRefusals.add(foreignOrigin).add(missingOrigin);

interface RequestHead {
  readonly headers: IncomingHttpHeaders;
  readonly forwarded?: Forwarded | undefined;
}

type OriginTest = (head: RequestHead) => boolean;

/** The tests of all origin guards. A test tells whether the guard lets in a page that sends such a request. */
const originTests = new WeakMap<AnyGuard, OriginTest>();

/**
 * Refuses upgrades from pages of other sites with 403, because a browser sends cookies with such upgrades,
 * too. The host and the port in `Origin` must equal the host and the port in the `Host` header. The scheme
 * may be `http` or `https`, because a proxy may terminate TLS. If the runtime's option `trustProxy` names the proxy,
 * `X-Forwarded-Host` takes the place of `Host`, and the scheme must equal the one in `X-Forwarded-Proto`.
 *
 * Pages of the origins that the guard lets in may also read the answers to plain requests. This holds if the
 * guard itself is in the list of guards, but not if a function in the list calls the guard.
 *
 * @throws {TypeError} if an entry of `allow` is not an origin, can never match, or is `*`.
 */
export function originGuard({ allow = [], allowMissing = true }: OriginGuardOptions = {}): Guard {
  const allowed = new OriginList(allow);
  const isLetIn: OriginTest = ({ headers: { origin = "", host, ":authority": authority }, forwarded }) =>
    isOwnOrigin(origin, forwarded?.host ?? host ?? authority?.toString(), forwarded?.protocol) ||
    allowed.has(origin);
  const guard: Guard = ({ headers, forwarded }) => {
    if (headers.origin === undefined) {
      // A browser sends no `Origin` with a plain GET of a page to its own server, but sends this header.
      if (allowMissing || headers["sec-fetch-site"] === "same-origin") return undefined;
      return missingOrigin;
    }
    return isLetIn({ headers, forwarded }) ? undefined : foreignOrigin;
  };
  originTests.set(guard, isLetIn);
  return guard;
}

/** Whether `guards` contain at least one origin guard, and all origin guards let in the request's origin. */
export function isOriginLetIn(guards: readonly AnyGuard[], head: RequestHead): boolean {
  const tests = guards.flatMap((guard) => originTests.get(guard) ?? []);
  return tests.length > 0 && tests.every((test) => test(head));
}
