import type { IncomingMessage } from "node:http";
import type { ErrorListener } from "../layers/contract.ts";
import type { Guard } from "./guards.ts";
import { checkRefusal, type Refusal } from "./http-answer.ts";
import { RequestScope, targetOf } from "./request-scope.ts";
import { notFound, type Route, type RouteMatch, type Router } from "./router.ts";

/** A request that found its route: what the guards look at, and the consumer after them. */
export interface Candidate {
  readonly route: Route;
  readonly scope: RequestScope;
}

/** Decides who may come in. An upgrade and a plain GET of the same path get the same answer. */
export class Admission {
  /** While true, every request is refused with 503. */
  draining = false;
  readonly #router: Router;
  readonly #guards: readonly Guard[];
  readonly #report: ErrorListener;

  constructor(router: Router, guards: readonly Guard[], report: ErrorListener) {
    this.#router = router;
    this.#guards = guards;
    this.#report = report;
  }

  /** Whether there is a route for a request's path. */
  serves(request: IncomingMessage): boolean {
    return this.#router.has(targetOf(request).path);
  }

  /** What needs no waiting: is there a route, and are the path parameters as it wants them? */
  find(request: IncomingMessage): Candidate | Refusal {
    const target = targetOf(request);
    let found: RouteMatch | Refusal;
    try {
      found = this.#router.find(target.path);
    } catch (error) {
      return this.#failed(error, "params", target.path);
    }
    if (found === notFound) return notFound;
    if (this.draining) return shuttingDown;
    if (isRefusal(found)) return found;
    return { route: found.route, scope: new RequestScope(target, found.params, request) };
  }

  /** Asks the guards, in order. Never rejects. */
  async guard(candidate: Candidate, request: IncomingMessage): Promise<Candidate | Refusal> {
    let { scope } = candidate;
    try {
      for (const guard of this.#guards) {
        const verdict = await guard(scope, request);
        if (!verdict) continue;
        if (isRefusal(verdict)) {
          checkRefusal(verdict);
          return verdict;
        }
        scope = scope.withUser(verdict.user, request);
      }
    } catch (error) {
      return this.#failed(error, "guard", scope.path);
    }
    // It may have begun to shut down while a guard took its time.
    return this.draining ? shuttingDown : { route: candidate.route, scope };
  }

  #failed(error: unknown, stage: string, path: string): Refusal {
    this.#report(error, { stage, path });
    return { status: 500, reason: "Internal error" };
  }
}

export const shuttingDown: Refusal = { status: 503, reason: "The server is shutting down" };

export const isRefusal = (outcome: object): outcome is Refusal => "status" in outcome;
