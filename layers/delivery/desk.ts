import type { Counters } from "../counters.ts";
import type { ErrorListener } from "../error-reporter.ts";
import type { PayloadDecoder } from "../wire/payload-decoder.ts";
import type { LocalChannelRegistry } from "./channel-registry.ts";
import type { Member } from "./group.ts";

/** What it takes to put what comes in for a node into its inboxes. */
export interface DeliveryContext {
  readonly reader: PayloadDecoder;
  readonly roster: LocalChannelRegistry;
  readonly counters: Counters;
  readonly report: ErrorListener;
}

/** To be called when an inbox did not take a message. */
export function reportInboxError(
  { counters, report }: DeliveryContext,
  error: unknown,
  { channel }: Member,
): void {
  counters.drop("inbox-error");
  report(error, { stage: "layer", channel });
}
