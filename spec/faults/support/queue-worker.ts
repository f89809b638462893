import { queueLayer } from "../../layers/redis/support/queue-layer.ts";

/** A job of this program. */
interface Job {
  readonly number: number;
  /** How long the handler waits, in milliseconds. */
  readonly ms?: number;
  /** How long the handler blocks the event loop, in milliseconds. */
  readonly spinMs?: number;
  /** Whether the handler then ends the process. */
  readonly exits?: boolean;
}

/**
 * A process that consumes "jobs" and prints `begin <number> <attempt>`, `end <number> <attempt>`,
 * `done <number> <attempt>` once the job has left the queue, `dead <number> <attempt>` before it becomes a dead
 * letter, and `abort <number>` when the signal is aborted.
 */
const [url = "", prefix = "", claimAfterMs = "", concurrency = "1", consumptions = "1", addedMs = "0"] =
  process.argv.slice(2);
// biome-ignore lint/suspicious/noConsole: the output of a program.
const print = (...words: unknown[]) => console.log(words.join(" "));

const layer = queueLayer({ url, prefix, onError: (error) => print("error", String(error)) });
const consume = () =>
  layer.consume<Job & { type: string }>(
    "jobs",
    async ({ number, ms = 0, spinMs = 0, exits }, { attempt, signal }) => {
      print("begin", number, attempt);
      signal.addEventListener("abort", () => print("abort", number));
      const lasts = ms + Number(addedMs);
      if (lasts > 0) await new Promise((resolve) => setTimeout(resolve, lasts));
      const end = performance.now() + spinMs;
      while (performance.now() < end);
      if (exits === true) process.kill(process.pid, "SIGKILL");
      print("end", number, attempt);
    },
    {
      claimAfterMs: Number(claimAfterMs),
      concurrency: Number(concurrency),
      onDone: ({ number }, { attempt }) => print("done", number, attempt),
      onDead: ({ number }, { attempt }) => print("dead", number, attempt),
    },
  );
const open = await Promise.all(Array.from({ length: Number(consumptions) }, consume));
print("ready");
process.once("SIGTERM", async () => {
  await Promise.all(open.map((consumption) => consumption.close()));
  await layer.close();
});
