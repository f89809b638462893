import type { ConsumerClass } from "../../runtime/consumer-class.ts";
import type { Observed, Onlooker, Report } from "../../runtime/inspection-hooks.ts";

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
  onlooker: Onlooker,
  isHidden: (Consumer: ConsumerClass) => boolean,
  report: Report,
): Onlooker {
  const heard = <A extends unknown[]>(hear: (actor: Observed, ...args: A) => void) =>
    safely((actor: Observed, ...args: A) => {
      if (!isHidden(actor.Consumer)) hear(actor, ...args);
    }, report);
  return {
    handling: heard((actor, item) => onlooker.handling(actor, item)),
    sent: heard((actor, frame) => onlooker.sent(actor, frame)),
    addressed: heard((actor, deed, group, message) => onlooker.addressed(actor, deed, group, message)),
    runs: heard((actor, behaviour) => onlooker.runs(actor, behaviour)),
  };
}
