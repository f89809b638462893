import type { AnyActorRef } from "xstate";

type System = AnyActorRef["system"];

/** How many inspect each system that says so. */
const inspectors = new WeakMap<System, number>();

/** Whether somebody inspects `system`, or could without our knowing it. */
export const isInspected = (system: System): boolean => inspectors.get(system) !== 0;

/**
 * Has `system` say when somebody inspects it, so that while nobody does, what only they would see need not be made.
 *
 * @param isInspected whether somebody does from its start to its end.
 */
export function noticeInspection(system: System, isInspected = false): void {
  const { inspect } = system;
  inspectors.set(system, isInspected ? 1 : 0);
  system.inspect = (observer) => {
    const subscription = inspect(observer);
    let isInspecting = true;
    inspectors.set(system, (inspectors.get(system) ?? 0) + 1);
    return {
      unsubscribe() {
        subscription.unsubscribe();
        if (isInspecting) inspectors.set(system, (inspectors.get(system) ?? 1) - 1);
        isInspecting = false;
      },
    };
  };
}
