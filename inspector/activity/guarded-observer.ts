import type { ConsumerClass } from "../../runtime/consumer-settings.ts";
import type { ActivityObserver, Observed, Report } from "../../runtime/inspection-hooks.ts";

/** Returns a function that calls `work` and passes any error to `report` instead of throwing it. */
export function guarded<A extends unknown[]>(
  work: (...args: A) => void,
  report: Report,
): (...args: A) => void {
  return (...args) => {
    try {
      work(...args);
    } catch (error) {
      report(error, { stage: "inspector" });
    }
  };
}

/** Passes the events of visible consumers to `observer`, and the errors of `observer` to `report`. */
export function guardedObserver(
  observer: ActivityObserver,
  isHidden: (Consumer: ConsumerClass) => boolean,
  report: Report,
): ActivityObserver {
  const visible = <A extends unknown[]>(observe: (actor: Observed, ...args: A) => void) =>
    guarded((actor: Observed, ...args: A) => {
      if (!isHidden(actor.Consumer)) observe(actor, ...args);
    }, report);
  return {
    onItem: visible((actor, item) => observer.onItem(actor, item)),
    onSend: visible((actor, frame) => observer.onSend(actor, frame)),
    onGroupOperation: visible((actor, operation, group, message) =>
      observer.onGroupOperation(actor, operation, group, message),
    ),
    onMachineStart: visible((actor, machineActor) => observer.onMachineStart(actor, machineActor)),
  };
}
