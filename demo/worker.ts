import { parseArgs } from "node:util";
import { createRuntime } from "greenroom";
import { closeOnSignal, giveUp, readNeededRedisUrl } from "./environment.ts";
import { startWorker } from "./jobs/worker.ts";
import { createLayers } from "./layers.ts";

// `npm run worker`: does the demo's background jobs, beside any number of others.

const help = `Does the background jobs of the demo, in a process of its own.

  REDIS_URL=redis://localhost:6399 npm run worker [-- options]

  --step-ms <n>  how long each of the ten steps of a job takes, in milliseconds (150)
  --help

Any number of workers share the jobs. When one dies, another one does what it had begun. On SIGTERM or Ctrl+C a worker
ends at once, and leaves its jobs to the others. Without Redis there is nothing to do: the server does its jobs itself.
`;

function readStepMs(value: string): number {
  if (/^\d{1,6}$/.test(value)) return Number(value);
  throw new Error(`--step-ms is "${value}"; it must be a number of milliseconds.`);
}

try {
  const { values } = parseArgs({
    options: { "step-ms": { type: "string", default: "150" }, help: { type: "boolean", default: false } },
  });
  if (values.help) {
    process.stdout.write(help);
  } else {
    const stepMs = readStepMs(values["step-ms"]);
    const redisUrl = readNeededRedisUrl(
      process.env.REDIS_URL,
      ", so there are no jobs to be had: without Redis the server does them itself.",
    );
    const runtime = createRuntime({ layers: createLayers(redisUrl), control: "chat" });
    await runtime.ready();
    const onJob = (line: string) => void process.stdout.write(`${line}\n`);
    await startWorker(runtime, { stepMs, onJob });
    process.stdout.write(`Waiting for jobs. Worker ${process.pid}\n`);
    closeOnSignal("Leaving the jobs to others…", () => runtime.close({ drainMs: 1_000 }));
  }
} catch (error) {
  giveUp("The worker cannot start.", error);
}
