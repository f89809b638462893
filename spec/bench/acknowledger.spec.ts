import { expect } from "chai";
import { Acknowledger } from "../../bench/harness/client/acknowledger.ts";

describe("Acknowledger", () => {
  it("acknowledges when the time since the first frame is over, and not per frame", async () => {
    const counts: number[] = [];
    await new Promise<void>((resolve) => {
      const acknowledger = new Acknowledger((count) => {
        counts.push(count);
        resolve();
      }, 20);
      for (let frame = 0; frame < 100; frame += 1) acknowledger.receive(10);
      expect(counts).to.deep.equal([]);
    });
    expect(counts).to.deep.equal([100]);
  });

  it("acknowledges at once after a quarter of the bytes that a session keeps", () => {
    const counts: number[] = [];
    const acknowledger = new Acknowledger((count) => counts.push(count));
    for (let frame = 0; frame < 9; frame += 1) acknowledger.receive(65_536);
    expect(counts).to.deep.equal([4, 8]);
    acknowledger.close();
  });
});
