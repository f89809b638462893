import type { Counters } from "../counters.ts";
import type { ErrorListener } from "../error-reporter.ts";
import type { PayloadReader } from "../wire/payload-decoder.ts";
import type { Roster } from "./channel-registry.ts";
import type { Member } from "./group.ts";

/** What it takes to put what comes in for a node into its inboxes. */
export interface Desk {
  readonly reader: PayloadReader;
  readonly roster: Roster;
  readonly counters: Counters;
  readonly report: ErrorListener;
}

/** To be called when an inbox did not take a message. */
export function inboxFailed({ counters, report }: Desk, error: unknown, { channel }: Member): void {
  counters.drop("inbox-error");
  report(error, { stage: "layer", channel });
}
