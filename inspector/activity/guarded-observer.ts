import type { ConsumerClass } from "../../runtime/consumer-settings.ts";
import type { ActivityObserver, Observed, Report } from "../../runtime/inspection-hooks.ts";

/** `work`, whose failures are reported, and reach nobody who calls it. */
export function safely<A extends unknown[]>(
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

/** An onlooker whose failures do not reach the actors that it looks at, and that hears nothing of those that are hidden. */
export function harmless(
  observer: ActivityObserver,
  isHidden: (Consumer: ConsumerClass) => boolean,
  report: Report,
): ActivityObserver {
  const heard = <A extends unknown[]>(hear: (actor: Observed, ...args: A) => void) =>
    safely((actor: Observed, ...args: A) => {
      if (!isHidden(actor.Consumer)) hear(actor, ...args);
    }, report);
  return {
    handling: heard((actor, item) => observer.handling(actor, item)),
    sent: heard((actor, frame) => observer.sent(actor, frame)),
    addressed: heard((actor, deed, group, message) => observer.addressed(actor, deed, group, message)),
    runs: heard((actor, machineActor) => observer.runs(actor, machineActor)),
  };
}
