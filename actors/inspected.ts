import type { AnyActorRef } from "xstate";

type System = AnyActorRef["system"];

/** How many look into each system that says so. */
const lookers = new WeakMap<System, number>();

/** Whether somebody looks into `system`, or could without our knowing it. */
export const isInspected = (system: System): boolean => lookers.get(system) !== 0;

/** Has `system` say when somebody looks into it, so that while nobody does, what only they would see need not be made. */
export function noticeInspection(system: System): void {
  const { inspect } = system;
  lookers.set(system, 0);
  system.inspect = (observer) => {
    const subscription = inspect(observer);
    let isLooking = true;
    lookers.set(system, (lookers.get(system) ?? 0) + 1);
    return {
      unsubscribe() {
        subscription.unsubscribe();
        if (isLooking) lookers.set(system, (lookers.get(system) ?? 1) - 1);
        isLooking = false;
      },
    };
  };
}
