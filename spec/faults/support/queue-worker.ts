import { queueLayer } from "../../layers/redis/support/queue-layer.ts";

/**
 * A process that consumes "jobs" and prints what it does: `begin <number> <attempt>`, `end <number> <attempt>`, and
 * `abort <number>` where it was told to stop. A message's `ms` says how long its handler takes.
 */
const [url = "", prefix = "", claimAfterMs = ""] = process.argv.slice(2);
// biome-ignore lint/suspicious/noConsole: it is how a program speaks.
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
