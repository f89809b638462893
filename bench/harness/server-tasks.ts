import { cpuMicros } from "./cpu.ts";
import { collectedMemory } from "./memory.ts";
import { Meter } from "./meter.ts";

/** The tasks of every server's process. */
export function serverTasks() {
  const meter = new Meter();
  return {
    cpuMicros,
    memory: collectedMemory,
    startMeter: () => meter.start(),
    stopMeter: () => meter.stop(),
  };
}
