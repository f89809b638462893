import type { IncomingMessage } from "node:http";
import type { Scope } from "../../actors/index.ts";
import type { ErrorListener } from "../../layers/error-reporter.ts";
import { checkRefusal, type Refusal } from "../http-response.ts";
import { isPromise } from "../mailbox/mailbox.ts";
import type { Guard, Verdict } from "./guards.ts";
import { RequestScope, targetOf } from "./request-scope.ts";
import { notFound, type Route, type RouteMatch, type Router } from "./router.ts";

/** A request that found its route: what the guards look at, and the consumer after them. */
export interface Candidate {
  readonly route: Route;
  readonly scope: Scope;
}

/** What comes of a candidate. */
export type Admitted = Candidate | Refusal;

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

  /**
   * Asks the guards, those of the route last, in order, from the one at `index` on. There is a promise only where one of them
   * gives one; it never rejects.
   */
  guard(candidate: Candidate, request: IncomingMessage, index = 0): Admitted | Promise<Admitted> {
    const guard = this.#guards[index] ?? candidate.route.guards[index - this.#guards.length];
    // It may have begun to shut down while a guard took its time.
    if (guard === undefined) return this.draining ? shuttingDown : candidate;
    const heed = (verdict: Verdict) => this.#heed(verdict, candidate, request, index);
    const failed = (error: unknown) => this.#failed(error, "guard", candidate.scope.path);
    try {
      const verdict = guard(candidate.scope, request);
      return isPromise(verdict) ? Promise.resolve(verdict).then(heed).catch(failed) : heed(verdict);
    } catch (error) {
      return failed(error);
    }
  }

  #heed(
    verdict: Verdict,
    { route, scope }: Candidate,
    request: IncomingMessage,
    index: number,
  ): Admitted | Promise<Admitted> {
    if (!verdict) return this.guard({ route, scope }, request, index + 1);
    if (!isRefusal(verdict)) {
      return this.guard({ route, scope: { ...scope, user: verdict.user } }, request, index + 1);
    }
    checkRefusal(verdict);
    return verdict;
  }

  #failed(error: unknown, stage: string, path: string): Refusal {
    this.#report(error, { stage, path });
    return { status: 500, reason: "Internal error" };
  }
}

export const shuttingDown: Refusal = { status: 503, reason: "The server is shutting down" };

export const isRefusal = (outcome: object): outcome is Refusal => "status" in outcome;
