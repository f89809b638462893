import { expect } from "chai";
import fc from "fast-check";
import { frameBytes, LoggedFrames, referenceBytes } from "../../../runtime/session/logged-frames.ts";
import { SessionLog } from "../../../runtime/session/session-log.ts";

describe("SessionLog", () => {
  function logOf(...frames: string[]) {
    const log = new SessionLog(new LoggedFrames());
    for (const frame of frames) log.add(frame);
    return log;
  }

  it("numbers frames from 1, and keeps those that are not acknowledged", () => {
    const log = logOf("a", "b", "cc");
    expect([log.sent, log.acked, log.first, log.size, log.bytes]).to.deep.equal([3, 0, 1, 3, 4]);
    log.acknowledge(2);
    expect([log.sent, log.acked, log.first, [...log], log.bytes]).to.deep.equal([3, 2, 3, ["cc"], 2]);
    log.acknowledge(3);
    expect([log.first, log.size, log.bytes]).to.deep.equal([4, 0, 0]);
  });

  it("skips the frames that it has dropped", () => {
    const log = logOf("a", "b", "c", "d");
    log.dropOldest();
    log.dropOldest();
    log.acknowledge(1);
    expect([log.first, ...log]).to.deep.equal([3, "c", "d"]);
    log.acknowledge(3);
    expect([log.first, ...log]).to.deep.equal([4, "d"]);
    log.clear();
    expect([log.first, log.sent, log.dropOldest()]).to.deep.equal([5, 4, false]);
  });

  it("knows which counts a client can have", () => {
    const log = logOf("a", "b", "c");
    log.acknowledge(1);
    expect([1, 2].map((n) => log.acknowledge(n))).to.deep.equal([true, true]);
    const impossible = [0, 1, -1, 4, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, "3", null];
    for (const n of [...impossible, undefined, [3], { valueOf: () => 3 }, true, 3n]) {
      expect(log.acknowledge(n), String(n)).to.equal(false);
    }
    expect([log.acked, ...log]).to.deep.equal([2, "c"]);
    expect(log.acknowledge(3)).to.equal(true);
  });

  it("agrees with a list, whatever happens to it", () => {
    const step = fc.oneof(
      fc.record({ add: fc.constantFrom("", "a", "bb", "\u00e9", "\u{1f600}") }),
      fc.record({ acknowledge: fc.nat(4) }),
      fc.constant("dropOldest" as const),
      fc.constant("clear" as const),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const shared = new LoggedFrames();
        const log = new SessionLog(shared);
        let kept: { n: number; frame: string }[] = [];
        let sent = 0;
        let acked = 0;
        for (const one of steps) {
          if (one === "dropOldest") expect(log.dropOldest()).to.equal(kept.shift() !== undefined);
          else if (one === "clear") {
            log.clear();
            kept = [];
          } else if ("add" in one) {
            sent += 1;
            kept.push({ n: sent, frame: one.add });
            log.add(one.add);
          } else {
            acked = Math.min(sent, acked + one.acknowledge);
            log.acknowledge(acked);
            kept = kept.filter(({ n }) => n > acked);
          }
          expect([log.sent, log.acked, log.first]).to.deep.equal([sent, acked, kept[0]?.n ?? sent + 1]);
          expect([...log]).to.deep.equal(kept.map(({ frame }) => frame));
          const sizes = kept.map(({ frame }) => Buffer.byteLength(frame));
          expect(log.bytes).to.equal(sizes.reduce((sum, size) => sum + size, 0));
          const distinct = [...new Set(kept.map(({ frame }) => frame))].map(
            (frame) => frameBytes + Buffer.byteLength(frame),
          );
          const shareds = distinct.reduce((sum, size) => sum + size, 0);
          expect(shared.bytes).to.equal(shareds + kept.length * referenceBytes);
        }
      }),
    );
  });
});

describe("LoggedFrames", () => {
  it("keeps the frames of many logs apart, in whatever order the logs let them go", () => {
    const step = fc.record({ log: fc.nat(2), frames: fc.nat(40), acknowledged: fc.nat(40) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const shared = new LoggedFrames();
        const logs = [0, 1, 2].map(() => ({ log: new SessionLog(shared), kept: [] as string[] }));
        let number = 0;
        for (const { log: index, frames, acknowledged } of steps) {
          // Every third frame goes to all logs.
          for (let count = 0; count < frames; count += 1) {
            number += 1;
            for (const [other, { log, kept }] of logs.entries()) {
              if (other !== index && number % 3 > 0) continue;
              log.add(`frame ${number}`);
              kept.push(`frame ${number}`);
            }
          }
          const { log, kept } = logs[index] as (typeof logs)[number];
          log.acknowledge(Math.min(log.acked + acknowledged, log.sent));
          kept.splice(0, acknowledged);
          for (const one of logs) expect([...one.log]).to.deep.equal(one.kept);
        }
        for (const { log } of logs) log.clear();
        expect(shared.bytes).to.equal(0);
      }),
    );
  });

  it("counts a frame once, however many logs hold it, and however many frames lie between", () => {
    const shared = new LoggedFrames();
    const logs = [new SessionLog(shared), new SessionLog(shared)];
    const buffer = Buffer.alloc(100);
    const frames = [..."abcdefgh".split("").map((letter) => letter.repeat(10)), buffer];
    for (const log of logs) for (const frame of frames) log.add(frame);
    expect(shared.bytes).to.equal(180 + 9 * frameBytes + 18 * referenceBytes);
    logs[0]?.clear();
    expect(shared.bytes).to.equal(180 + 9 * frameBytes + 9 * referenceBytes);
    logs[1]?.acknowledge(8);
    expect(shared.bytes).to.equal(100 + frameBytes + referenceBytes);
    logs[1]?.acknowledge(9);
    expect(shared.bytes).to.equal(0);
  });

  it("tells buffers apart, even if they are equal", () => {
    const shared = new LoggedFrames();
    const log = new SessionLog(shared);
    for (const frame of [Buffer.from("ab"), Buffer.from("ab"), "ab"]) log.add(frame);
    expect(shared.bytes).to.equal(6 + 3 * frameBytes + 3 * referenceBytes);
  });
});
