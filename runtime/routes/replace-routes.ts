import { CloseCode } from "../../actors/index.ts";
import type { ConsumerActor } from "../actor/actor.ts";
import { SpawnedScope } from "../actor/spawned-scope.ts";
import type { Route } from "./router.ts";

/** Options of `runtime.replaceRoutes`. */
export interface ReplaceRoutesOptions {
  /**
   * Whether to close the connections whose consumer has no route any more. Their clients reconnect, and get a new
   * session: `onGap` of `greenroom/client` is called with `fresh: true`.
   * @default false
   */
  readonly reconnect?: boolean;
}

/** Closes the connections whose consumer serves none of the `routes`. Spawned actors stay. */
export function closeReplaced(actors: Iterable<ConsumerActor>, routes: readonly Route[]): void {
  const routed = new Set(routes.map(({ Consumer }) => Consumer));
  for (const actor of [...actors]) {
    if (routed.has(actor.Consumer) || actor.scope instanceof SpawnedScope) continue;
    // Not 1012: after that code, a client first waits, and tries to resume the session.
    actor.shutDown(CloseCode.goingAway, "The consumer was replaced");
  }
}
