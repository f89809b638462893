import type { IncomingMessage, ServerResponse } from "node:http";
import { isPromise } from "../async-error-owner.ts";
import { Deadline } from "../deadline.ts";
import { answerPreflight, isPreflight, readable } from "../guards/cors.ts";
import { type Refusal, refusePlainRequest } from "../http-response.ts";
import type { RuntimeContext } from "../runtime-context.ts";
import {
  type Admission,
  type Admitted,
  type Candidate,
  isRefusal,
  tookTooLong,
} from "../upgrade/admission.ts";

/** A request with a pending guard. */
interface GuardedRequest {
  readonly request: IncomingMessage;
  readonly settle: (outcome: Admitted) => void;
}

const oneAtATime: Refusal = {
  status: 503,
  reason: "An earlier request of this connection is still being checked",
};

/** Answers plain HTTP requests for paths with a route. */
export class PlainRequests {
  readonly #context: Pick<RuntimeContext, "clock" | "limits" | "scheduler">;
  readonly #admission: Admission;
  /** At most one for each connection, so a client that pipelines requests cannot start many guards. */
  readonly #guarded = new Map<IncomingMessage["socket"], GuardedRequest>();

  constructor(context: Pick<RuntimeContext, "clock" | "limits" | "scheduler">, admission: Admission) {
    this.#context = context;
    this.#admission = admission;
  }

  /**
   * Refuses a request if an upgrade would be refused, and otherwise lets the route answer. A browser hides the
   * reason of a refused upgrade from scripts, but a script can read the answer to a plain request. Scripts of
   * another origin can read the answer if the origin guards let this origin in. Never rejects.
   */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // Another listener of the server may have answered.
    if (response.headersSent || response.writableEnded) return;
    const isLetIn = this.#admission.letsOriginIn(request);
    if (isPreflight(request)) {
      answerPreflight(request, response, isLetIn);
      return;
    }
    const found = this.#admission.find(request);
    const admitted = isRefusal(found) ? found : await this.#guard(found, request);
    // While a guard was pending, another listener may have answered.
    if (response.headersSent) return;
    const cors = (refusal?: Refusal) => (isLetIn ? readable(request, refusal) : {});
    if (isRefusal(admitted)) refusePlainRequest(response, admitted, cors(admitted));
    else admitted.route.answer(request, response, cors());
  }

  /** Refuses the requests with a pending guard. */
  refuseAll(refusal: Refusal): void {
    for (const { settle } of this.#guarded.values()) settle(refusal);
  }

  #guard(found: Candidate, request: IncomingMessage): Admitted | Promise<Admitted> {
    const { socket } = request;
    const earlier = this.#guarded.get(socket);
    if (earlier !== undefined && earlier.request !== request) return oneAtATime;
    const admitted = this.#admission.guard(found, request);
    if (!isPromise(admitted)) return admitted;
    const { clock, limits, scheduler } = this.#context;
    return new Promise((resolve) => {
      const deadline = new Deadline(clock, limits.connectTimeoutMs, scheduler.flushes);
      const guarded: GuardedRequest = {
        request,
        settle: (outcome) => {
          deadline.cancel();
          if (this.#guarded.get(socket) === guarded) this.#guarded.delete(socket);
          resolve(outcome);
        },
      };
      deadline.onPassed = () => guarded.settle(tookTooLong);
      this.#guarded.set(socket, guarded);
      void admitted.then(guarded.settle);
    });
  }
}
