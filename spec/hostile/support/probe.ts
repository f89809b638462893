// Loaded into a program under attack. On SIGUSR2, prints the figures of the process.
import { writeSync } from "node:fs";

process.on("SIGUSR2", () => {
  globalThis.gc?.();
  const handles: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) handles[kind] = (handles[kind] ?? 0) + 1;
  const { rss } = process.memoryUsage();
  writeSync(1, `probe ${JSON.stringify({ handles, rss })}\n`);
});
