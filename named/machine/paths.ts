import { hasEffects, type InnerActor } from "./inner-actor.ts";

/** The ids on the path from the machine to an actor. */
export function pathOf({ _parent, id }: InnerActor): readonly string[] {
  return _parent === undefined ? [] : [...pathOf(_parent), id];
}

/** Whether an actor is the machine, or a child of a running one. */
export function isAttached(actor: InnerActor): boolean {
  const { _parent } = actor;
  return _parent === undefined || (_parent._snapshot.children?.[actor.id] === actor && isAlive(_parent));
}

/** Whether an actor runs, or is to run after the step. */
export const isAlive = (actor: InnerActor): boolean =>
  actor._snapshot.status === "active" && isAttached(actor);

/** Whether an actor, or a child of it, has effects and has not ended. */
export function isBusy(actor: InnerActor): boolean {
  const { status, children } = actor._snapshot;
  if (status !== "active") return false;
  if (hasEffects(actor)) return true;
  for (const id in children) {
    const child = children[id];
    if (child !== undefined && isBusy(child)) return true;
  }
  return false;
}
