import { queueLayer } from "../../layers/redis/support/queue-layer.ts";

/**
 * A process that consumes "jobs" and prints `begin <number> <attempt>`, `end <number> <attempt>`, and
 * `abort <number>` when the signal is aborted. A message's `ms` is the duration of its handler.
 */
const [url = "", prefix = "", claimAfterMs = ""] = process.argv.slice(2);
// biome-ignore lint/suspicious/noConsole: the output of a program.
const print = (...words: unknown[]) => console.log(words.join(" "));

const layer = queueLayer({ url, prefix, onError: (error) => print("error", String(error)) });
const consumption = await layer.consume<{ number: number; ms: number }>(
  "jobs",
  async ({ number, ms }, { attempt, signal }) => {
    print("begin", number, attempt);
    signal.addEventListener("abort", () => print("abort", number));
    if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
    print("end", number, attempt);
  },
  { claimAfterMs: Number(claimAfterMs) },
);
print("ready");
process.once("SIGTERM", async () => {
  await consumption.close();
  await layer.close();
});
