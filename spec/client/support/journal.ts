import { expect } from "chai";
import type { Gap, RawClient } from "greenroom/client";

/** The texts and gaps that a client gets, in order. */
export class Journal {
  readonly entries: (string | Gap)[] = [];
  readonly bytes: Uint8Array[] = [];
  readonly errors: unknown[] = [];

  constructor(client: RawClient) {
    client.on("text", (text) => this.entries.push(text));
    client.on("bytes", (bytes) => this.bytes.push(bytes));
    client.onGap((gap) => this.entries.push(gap));
    client.onError((error) => this.errors.push(error));
  }

  get gaps(): Gap[] {
    return this.entries.filter((entry) => typeof entry !== "string");
  }

  has(text: string): boolean {
    return this.entries.includes(text);
  }
}

/** Fails unless each frame of `Counting` has arrived once and in order, or is inside one announced gap. */
export function expectOnceOrInAGap(entries: readonly (string | Gap)[], lastNumber: number): void {
  let actor: string | undefined;
  let accounted = 0;
  for (const entry of entries) {
    if (typeof entry !== "string") {
      if (entry.fresh) actor = undefined;
      accounted = entry.fresh ? 0 : accounted + (entry.missed ?? 0);
      continue;
    }
    const [name, number] = entry.split(".");
    actor ??= name;
    expect(name, "all frames of a session come from one actor").to.equal(actor);
    accounted += 1;
    expect(Number(number), "frames arrive once and in order").to.equal(accounted);
  }
  expect(accounted, "all frames have arrived").to.equal(lastNumber);
}
