import { expect } from "chai";
import fc from "fast-check";
import type { HistoryLimit } from "../../../layers/history-limits.ts";
import { MemoryHistory } from "../../../layers/memory/memory-history.ts";

/** Two topics share an expiry time. */
const limits: Record<string, HistoryLimit> = {
  a: { capacity: 3, expiryMs: 10 },
  b: { capacity: 1, expiryMs: 10 },
  c: { capacity: 2, expiryMs: 25 },
  d: { capacity: 2, expiryMs: 1_000 },
};
const topics = Object.keys(limits);
const limitOf = (topic: string) => limits[topic] as HistoryLimit;

/** A string is a publish to that topic, a number is milliseconds that pass. */
const steps = fc.array(
  fc.oneof(
    { weight: 10, arbitrary: fc.constantFrom(...topics) },
    { weight: 10, arbitrary: fc.constantFrom(1, 4, 5, 9) },
    { weight: 1, arbitrary: fc.constantFrom(10, 11, 25, 999) },
  ),
  { minLength: 20, maxLength: 60 },
);

describe("MemoryHistory", () => {
  it("keeps a topic's payloads up to its capacity, until its expiry time passes without a publish", () => {
    fc.assert(
      fc.property(steps, (todo) => {
        let now = 0;
        let last = 0;
        const history = new MemoryHistory(() => now);
        const expected = new Map<string, { numbers: number[]; at: number }>();
        for (const step of todo) {
          if (typeof step === "number") now += step;
          for (const [topic, { at }] of expected) {
            if (now - at >= limitOf(topic).expiryMs) expected.delete(topic);
          }
          if (typeof step === "string") {
            last += 1;
            const numbers = [...(expected.get(step)?.numbers ?? []), last];
            expected.set(step, { numbers, at: now });
            const position = history.append(step, Uint8Array.of(last), limitOf(step));
            expect(position.offset).to.equal(numbers.length);
          }
          for (const topic of topics) {
            const { entries, position } = history.read(topic, { limit: 100 }, limitOf(topic));
            const numbers = expected.get(topic)?.numbers ?? [];
            const kept = numbers.slice(-limitOf(topic).capacity);
            expect(entries.map(({ payload }) => payload[0])).to.deep.equal(kept);
            expect(position?.offset ?? 0).to.equal(numbers.length);
          }
          expect(history.size, "expired topics are removed").to.equal(expected.size);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("begins another epoch for an expired topic", () => {
    let now = 0;
    const history = new MemoryHistory(() => now);
    const limit = { capacity: 1, expiryMs: 10 };
    const epochs = [0, 9, 10].map((passed) => {
      now += passed;
      return history.append("a", Uint8Array.of(1), limit).epoch;
    });
    expect(epochs[1]).to.equal(epochs[0]);
    expect(epochs[2]).not.to.equal(epochs[0]);
  });
});
