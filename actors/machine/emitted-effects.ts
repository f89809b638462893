import type { AnyActor, AnyActorRef } from "xstate";

/** A part of XState's system that its types lack. XState calls it once for each actor that starts. */
interface Registry {
  _register(sessionId: string, actor: AnyActorRef): string;
}

/**
 * Calls `listener` for each event that `actor`, or another actor of its system, emits until it is stopped. The
 * system contains the actors that `actor` invokes or spawns, and the actors that these invoke or spawn. MUST be
 * called before `actor` starts.
 */
export function onEmitted(actor: AnyActor, listener: (event: unknown) => void): void {
  actor.on("*", listener);
  const registry = actor.system as unknown as Registry;
  const { _register: register } = registry;
  registry._register = (sessionId, started) => {
    if (started !== actor) started.on("*", listener);
    return register(sessionId, started);
  };
}
