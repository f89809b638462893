import { expect } from "chai";
import { FrameIds } from "../../../runtime/session/frame-ids.ts";
import { LoggedFrames } from "../../../runtime/session/logged-frames.ts";

/** Texts that differ in their last characters only. */
const texts = (length: number, count: number): string[] => {
  const same = "x".repeat(length - 8);
  // A text that is joined of two has no hash of its own yet, so a buffer makes each of them.
  return Array.from({ length: count }, (_, n) => Buffer.from(same + `${n}`.padStart(8, "0")).toString());
};

describe("The ids of frames", () => {
  it("tell texts by their values and buffers by their identity", () => {
    for (const length of [10, 16_383, 16_384, 60_000]) {
      const ids = new FrameIds();
      const [a = "", b = ""] = texts(length, 2);
      const bytes = Buffer.from(a);
      for (const [id, frame] of [a, b, bytes].entries()) ids.set(frame, id);
      const [sameAsA = ""] = texts(length, 1);
      expect([sameAsA, b, bytes, Buffer.from(a)].map((frame) => ids.get(frame))).to.deep.equal([
        0,
        1,
        2,
        undefined,
      ]);
      for (const frame of [sameAsA, bytes]) ids.delete(frame);
      expect([a, b, bytes].map((frame) => ids.get(frame))).to.deep.equal([undefined, 1, undefined]);
    }
  });

  it("do not take a text for the digest of another", () => {
    const ids = new FrameIds();
    const [long = ""] = texts(20_000, 1);
    ids.set(long, 1);
    for (const frame of ["", long.slice(0, 16_383), `${long}x`]) expect(ids.get(frame)).to.equal(undefined);
  });

  it("are found as quickly for long texts that begin alike as for shorter ones", () => {
    /** Returns the time for 50 texts: the shortest of 8, because a busy machine makes some of them longer. */
    const timeOf = (length: number): number => {
      const frames = new LoggedFrames();
      const all = texts(length, 1_950);
      for (const text of all.splice(0, 1_550)) frames.keep(text);
      const times = Array.from({ length: 8 }, () => {
        const start = performance.now();
        for (const text of all.splice(0, 50)) frames.keep(text);
        return performance.now() - start;
      });
      return Math.min(...times);
    };
    timeOf(16_000);
    // With the hashes of V8, about 100 times.
    expect(timeOf(17_000)).to.be.below(20 * timeOf(16_000));
  });
});
