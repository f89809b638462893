import type { Acknowledgements } from "./acknowledgements.ts";
import { greeting } from "./arrivals.ts";
import type { Carrier } from "./carriers/carrier.ts";
import { now } from "./clock.ts";

/** How many messages may be on their way, at most, that the receiver has not told of: it must not fall behind. */
const mostUndelivered = 100;

/** Publishes until the first message arrives: subscriptions of peers become live at a time that they do not tell. */
export async function greet(carrier: Carrier, group: string, heard: Acknowledgements): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const again = setInterval(() => Promise.resolve(carrier.publish(group, greeting)).catch(reject), 20);
    heard.onArrived = () => {
      clearInterval(again);
      resolve();
    };
  });
}

/** Publishes `messages` messages to `groups` in turn, `inFlight` unanswered at once. Resolves once all have arrived. */
export function publishAll(
  carrier: Carrier,
  groups: readonly string[],
  { messages, inFlight }: { readonly messages: number; readonly inFlight: number },
  heard: Acknowledgements,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let sent = 0;
    let arrived = 0;
    let unanswered = 0;
    const answered = () => {
      unanswered -= 1;
      proceed();
    };
    const proceed = () => {
      while (unanswered < inFlight && sent < messages && sent - arrived < mostUndelivered) {
        const group = groups[sent % groups.length] ?? "";
        sent += 1;
        unanswered += 1;
        carrier.publish(group, now()).then(answered, reject);
      }
    };
    heard.onArrived = (count) => {
      arrived += count;
      if (arrived === messages) resolve();
      else proceed();
    };
    proceed();
  });
}
