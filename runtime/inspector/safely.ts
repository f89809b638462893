import type { Onlooker, Report } from "../inspection.ts";

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

/** An onlooker whose failures do not reach the actors that it looks at. */
export const harmless = (onlooker: Onlooker, report: Report): Onlooker => ({
  handling: safely((actor, item) => onlooker.handling(actor, item), report),
  sent: safely((actor, frame) => onlooker.sent(actor, frame), report),
  addressed: safely((actor, deed, group, message) => onlooker.addressed(actor, deed, group, message), report),
  runs: safely((actor, behaviour) => onlooker.runs(actor, behaviour), report),
});
