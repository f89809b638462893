import { parseArgs } from "node:util";
import { createRuntime, escapeControls } from "greenroom";
import { closeOnSignal, exitWithError, readLogLevel, requireRedisUrl } from "./environment.ts";
import { startWorker } from "./jobs/worker.ts";
import { createLayers } from "./layers.ts";
import { startLog } from "./log.ts";

const help = `Runs the background jobs of the demo, in a process of its own.

  REDIS_URL=redis://localhost:6399 npm run worker [-- options]

  --step-ms <n>  duration of each of the ten steps of a job, in milliseconds (150)
  --help

Any number of workers share the jobs. If a worker dies, another worker repeats the unfinished jobs. On SIGTERM
or Ctrl+C, a worker ends immediately, and leaves its jobs to the others. Without Redis, the demo's server runs
the jobs itself.
`;

function readStepMs(value: string): number {
  if (/^\d{1,6}$/.test(value)) return Number(value);
  throw new Error(`--step-ms is "${value}"; it must be a number from 0 to 999999.`);
}

try {
  const { values } = parseArgs({
    options: { "step-ms": { type: "string", default: "150" }, help: { type: "boolean", default: false } },
  });
  if (values.help) {
    process.stdout.write(help);
  } else {
    const stepMs = readStepMs(values["step-ms"]);
    const onError = startLog(readLogLevel(process.env.LOG_LEVEL));
    const redisUrl = requireRedisUrl(
      process.env.REDIS_URL,
      "without Redis the demo's server runs the jobs itself, and a worker has no access to them.",
    );
    const runtime = createRuntime({ layers: createLayers(redisUrl), control: "chat", onError });
    await runtime.ready();
    const onJob = (line: string) => void process.stdout.write(`${escapeControls(line)}\n`);
    await startWorker(runtime, { stepMs, onJob });
    process.stdout.write(`Waiting for jobs. Worker ${process.pid}\n`);
    closeOnSignal("Leaving the jobs to others…", () => runtime.close({ drainMs: 1_000 }));
  }
} catch (error) {
  exitWithError("The worker cannot start.", error);
}
