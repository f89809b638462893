import type { IncomingMessage, ServerResponse } from "node:http";
import { connectingTooLong } from "../../actors/connection-machine.ts";
import type { ResponseHeaders, Scope } from "../../actors/index.ts";
import { CallbackOwner, type ErrorListener } from "../../layers/error-reporter.ts";
import { textOf } from "../../layers/errors.ts";
import { callOwned, isPromise, runOwned } from "../async-error-owner.ts";
import { type AnyGuard, isOriginLetIn, type Verdict } from "../guards/guards.ts";
import { checkRefusal, type Refusal, refusePlainRequest } from "../http-response.ts";
import type { ClientAddresses } from "../limits/client-address.ts";
import { notFound, type Route, type RouteMatch, type Router } from "../routes/router.ts";
import type { RuntimeContext } from "../runtime-context.ts";
import { earliestOf, type Grant, grantOf, isVerdict, signInExpired } from "../sign-in/grant.ts";
import { offeredProtocols } from "./offered-protocols.ts";
import { requestScope, targetOf } from "./request-scope.ts";

export interface Candidate {
  readonly route: Route;
  readonly scope: Scope;
  /** Tells the user apart, if a guard has given a key. */
  readonly userKey?: string | undefined;
  /** The grants of the guards that limit the time of the connection. Undefined if there are none. */
  readonly grants?: readonly Grant[] | undefined;
}

export type Admitted = Candidate | Refusal;

export const shuttingDown: Refusal = {
  status: 503,
  reason: "The server is shutting down",
  cause: "draining",
};

export const tookTooLong: Refusal = { status: 503, reason: connectingTooLong, cause: "timeout" };

export const isRefusal = (outcome: object): outcome is Refusal => "status" in outcome;

/** Admits or refuses requests. An upgrade and a plain GET request for the same path are treated alike. */
export class Admission {
  /** While true, every request is refused with 503. */
  draining = false;
  readonly #router: Router;
  readonly #guards: readonly AnyGuard[];
  readonly #addresses: ClientAddresses;
  readonly #report: ErrorListener;
  readonly #signIns: RuntimeContext["signIns"];

  constructor(
    router: Router,
    guards: readonly AnyGuard[],
    { clientAddresses, report, signIns }: Pick<RuntimeContext, "clientAddresses" | "report" | "signIns">,
  ) {
    this.#router = router;
    this.#guards = guards;
    this.#addresses = clientAddresses;
    this.#report = report;
    this.#signIns = signIns;
  }

  serves(request: IncomingMessage): boolean {
    return this.#router.has(targetOf(request).path);
  }

  /** Whether the origin guards of the runtime and of the route let in pages of the request's origin. */
  letsOriginIn(request: IncomingMessage): boolean {
    const route = this.#router.routeOf(targetOf(request).path);
    const { headers } = request;
    const forwarded = this.#addresses.forwardedOf(request);
    return isOriginLetIn([...this.#guards, ...(route?.guards ?? [])], { headers, forwarded });
  }

  find(request: IncomingMessage, protocols = offeredProtocols(request)): Admitted {
    const target = targetOf(request);
    let found: RouteMatch | Refusal;
    try {
      // Owned, because the router calls the checks of parameters.
      const owner = new CallbackOwner(this.#report, { stage: "params", path: target.path });
      found = runOwned(owner, findRoute, this.#router, target.path);
    } catch (error) {
      return this.#failed(error, "params", target.path);
    }
    if (found === notFound) return notFound;
    if (this.draining) return shuttingDown;
    if (isRefusal(found)) return found;
    const scope = requestScope(target, found.params, request, protocols, this.#addresses);
    return { route: found.route, scope };
  }

  /** Calls the guards in order from `index`. Returns a promise only if a guard returns one. Never rejects. */
  guard(candidate: Candidate, request: IncomingMessage, index = 0): Admitted | Promise<Admitted> {
    const { route, scope } = candidate;
    const guard = this.#guards[index] ?? route.guards[index - this.#guards.length];
    // The shutdown may have begun while a guard was pending.
    if (guard === undefined) return this.draining ? shuttingDown : this.#unlessExpired(candidate);
    const proceed = (verdict: Verdict<unknown>): Admitted | Promise<Admitted> => {
      if (verdict === undefined) return this.guard(candidate, request, index + 1);
      checkVerdict(verdict);
      if (isRefusal(verdict)) {
        checkRefusal(verdict);
        return verdict;
      }
      const { user, userKey } = verdict;
      const grant = grantOf(verdict);
      const grants = grant === undefined ? candidate.grants : [...(candidate.grants ?? []), grant];
      return this.guard({ route, scope: { ...scope, user }, userKey, grants }, request, index + 1);
    };
    const failed = (error: unknown) => this.#failed(error, "guard", scope.path);
    try {
      const owner = new CallbackOwner(this.#report, { stage: "guard", path: scope.path });
      const verdict = callOwned(owner, guard, scope, request);
      return isPromise(verdict) ? Promise.resolve(verdict).then(proceed).catch(failed) : proceed(verdict);
    } catch (error) {
      return failed(error);
    }
  }

  /** An end that has passed is found after the last guard, because guards take time. */
  #unlessExpired(candidate: Candidate): Admitted {
    const { grants } = candidate;
    if (grants === undefined || earliestOf(grants).endsAt > this.#signIns.now) return candidate;
    return signInExpired;
  }

  #failed(error: unknown, stage: string, path: string): Refusal {
    this.#report(error, { stage, path });
    return { status: 500, reason: "Internal error", cause: "error" };
  }
}

/** Untyped code may return another value, such as `false`, which must not admit the request. */
function checkVerdict(verdict: unknown): void {
  if (isVerdict(verdict)) return;
  throw new TypeError(
    "A guard must return nothing to admit a request, { user } to admit a user, or { status, reason } to refuse " +
      `the request, not ${textOf(verdict)}.`,
  );
}

const findRoute = (router: Router, path: string): RouteMatch | Refusal => router.find(path);

const upgradeRequired: Refusal = {
  status: 426,
  reason: "This path speaks WebSocket: connect with a WebSocket client",
  headers: { Upgrade: "websocket", Connection: "Upgrade" },
};

/** Answers a plain HTTP request for a WebSocket path with 426. */
export function requireUpgrade(_: IncomingMessage, response: ServerResponse, cors?: ResponseHeaders): void {
  refusePlainRequest(response, upgradeRequired, cors);
}
