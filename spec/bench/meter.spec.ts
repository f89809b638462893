import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import { Meter, sumOf } from "../../bench/harness/meter.ts";

/** Blocks the event loop, and uses the CPU for at least half of the time, also on a busy machine. */
function block(ms: number): void {
  const endsAt = performance.now() + ms;
  const before = process.cpuUsage();
  while (performance.now() < endsAt || process.cpuUsage(before).user < ms * 500);
}

describe("Meter", () => {
  it("measures the delay of the event loop, and not the interval of its own timer", async () => {
    const meter = new Meter();
    meter.start();
    await pause(20);
    block(100);
    await pause(20);
    const { loopP99Ms, loopWorstMs, cpuMicros, seconds } = meter.stop();
    expect(loopP99Ms).to.be.at.least(90);
    expect(loopWorstMs).to.be.at.least(loopP99Ms);
    expect(seconds).to.be.at.least(0.14);
    expect(cpuMicros).to.be.at.least(50_000);
  });

  it("forgets a delay before its start", async () => {
    const meter = new Meter();
    meter.start();
    await pause(20);
    block(300);
    await pause(20);
    // Sees the pauses of the machine from now on, which are no mistake of the meter.
    const control = monitorEventLoopDelay({ resolution: 2 });
    control.enable();
    meter.start();
    await pause(50);
    const { loopP99Ms } = meter.stop();
    control.disable();
    expect(loopP99Ms).to.be.below(control.max / 1e6 + 50);
  });

  it("counts the writes and the bytes read", function () {
    if (process.platform !== "linux") this.skip();
    const meter = new Meter();
    const [sink, source] = [openSync("/dev/null", "w"), openSync("/dev/zero", "r")];
    meter.start();
    for (let count = 0; count < 300; count += 1) writeSync(sink, "text");
    readSync(source, Buffer.alloc(1_000_000));
    const { io } = meter.stop();
    for (const file of [sink, source]) closeSync(file);
    expect(io?.writes).to.be.within(300, 400);
    expect(io?.readBytes).to.be.within(1_000_000, 1_100_000);
  });

  it("adds processes, and keeps the longest delay", () => {
    const io = { writes: 4, readBytes: 5 };
    const reading = { seconds: 2, cpuMicros: 10, loopP99Ms: 3, loopWorstMs: 9, io };
    const other = { seconds: 1, cpuMicros: 1, loopP99Ms: 7, loopWorstMs: 8, io };
    expect(sumOf([reading, other])).to.deep.equal({
      ...{ seconds: 2, cpuMicros: 11, loopP99Ms: 7, loopWorstMs: 9 },
      io: { writes: 8, readBytes: 10 },
    });
    expect(sumOf([reading, { ...other, io: undefined }]).io).to.equal(undefined);
  });
});
