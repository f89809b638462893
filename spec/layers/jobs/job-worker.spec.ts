import { expect } from "chai";
import { MemoryLayer } from "../../../layers/memory/memory-layer.ts";
import { Worker } from "../../../layers/testing/index.ts";
import { attempts } from "../../../layers/testing/numbered-jobs.ts";
import { nextTurn } from "../../support/next-turn.ts";

describe("JobWorker", () => {
  it("holds a slot for each job that waits for a retry beyond the 1,000th", async () => {
    const layer = new MemoryLayer({ onError() {} });
    const fail = new Worker(() => {
      throw new Error("not yet");
    });
    const consumption = await layer.consume("jobs", fail.handle, { retryAfterMs: 3_600_000, concurrency: 2 });
    for (let number = 1; number <= 1_005; number += 1) await layer.send("jobs", { type: "job", number });
    await fail.hasBegun(1_002);
    for (let turn = 0; turn < 20; turn += 1) await nextTurn();
    await consumption.close();
    const rest = new Worker();
    await layer.consume("jobs", rest.handle);
    await rest.hasBegun(1_005);
    const expected = Array.from({ length: 1_005 }, (_, index) => `${index + 1}/${index < 1_002 ? 2 : 1}`);
    expect(attempts(rest)).to.equal(expected.join(" "));
    await layer.close();
  });

  it("frees a slot that a waiting job holds, once the job's retry has ended", async () => {
    const layer = new MemoryLayer({ onError() {} });
    const worker = new Worker(({ message, delivery }) => {
      if (Number(message.number) <= 1_000 || delivery.attempt === 1) throw new Error("not yet");
    });
    const options = { retryAfterMs: 100, maxDeliveries: 2 };
    await layer.consume("jobs", worker.handle, options);
    for (let number = 1; number <= 1_001; number += 1) await layer.send("jobs", { type: "job", number });
    await worker.until(() => worker.attempts.filter(([, attempt]) => attempt === 2).length === 1_001);
    await layer.close();
    expect(layer.counters().consumed).to.equal(1);
  });
});
