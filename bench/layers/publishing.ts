import { now } from "../harness/clock.ts";
import type { Acknowledgements } from "./acknowledgements.ts";
import { greeting } from "./arrivals.ts";
import type { Carrier } from "./carriers/carrier.ts";

export interface Load {
  readonly messages: number;
  /** The maximum number of messages to which the server has not replied. */
  readonly inFlight: number;
}

/** The maximum number of unacknowledged messages. The limit keeps the receiver from falling behind. */
const mostUndelivered = 100;

/** Publishes greetings until one arrives, because not all carriers report when they have subscribed. */
export async function greet(
  carrier: Carrier,
  group: string,
  acknowledgements: Acknowledgements,
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const again = setInterval(() => Promise.resolve(carrier.publish(group, greeting)).catch(reject), 20);
    acknowledgements.onArrived = () => {
      clearInterval(again);
      resolve();
    };
  });
}

/**
 * Publishes messages, up to `inFlight` at once. Consecutive messages go to consecutive groups. Resolves when
 * all messages have arrived.
 */
export function publishAll(
  carrier: Carrier,
  groups: readonly string[],
  { messages, inFlight }: Load,
  acknowledgements: Acknowledgements,
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
    acknowledgements.onArrived = (count) => {
      arrived += count;
      if (arrived === messages) resolve();
      else proceed();
    };
    proceed();
  });
}
