import type { ErrorListener } from "./contract.ts";
import type { Counters } from "./counters.ts";
import type { Member } from "./group.ts";
import type { PayloadReader } from "./payload-reader.ts";
import type { Roster } from "./roster.ts";

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
