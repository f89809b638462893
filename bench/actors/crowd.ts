import { createRuntime, MemoryLayer } from "greenroom";
import { Meter } from "../harness/meter.ts";
import type { Figures } from "../harness/results.ts";
import { Counter, type Notes } from "./messaging.ts";

/** The number of messages sent at once. The next messages are sent when all members have received these. */
const inFlight = 20;

class Member extends Counter {
  override async connect() {
    await this.accept();
    await this.groupAdd("crowd");
  }
}

/** Sends messages to a group of spawned actors. @returns ns of CPU per delivery, and the event loop's delays in ms */
export async function measureCrowd(members: number, deliveries: number): Promise<Figures> {
  const crowd = new MemoryLayer<Notes>();
  const runtime = createRuntime({ layers: { notes: crowd } });
  for (let index = 0; index < members; index += 1) await runtime.spawn(Member);
  const send = async (bursts: number) => {
    for (let burst = 0; burst < bursts; burst += 1) {
      const due = crowd.counters().delivered + inFlight * members;
      for (let sent = 0; sent < inFlight; sent += 1) void crowd.groupSend("crowd", { type: "note", by: 1 });
      while (crowd.counters().delivered < due) await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const bursts = Math.ceil(deliveries / members / inFlight);
  await send(1);
  const meter = new Meter();
  meter.start();
  await send(bursts);
  const { cpuMicros, loopP99Ms, loopWorstMs } = meter.stop();
  await runtime.close();
  return { each: (cpuMicros * 1_000) / (bursts * inFlight * members), loopP99Ms, loopWorstMs };
}
