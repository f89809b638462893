// `npm run soak -- --minutes 10`: clients of several server processes talk, come and go, while Redis, processes and
// networks fail. At the end, each number that was sent has arrived once, or its loss was announced, and the processes
// hold what they held before.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Soak } from "./soak.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    help: { type: "boolean", default: false },
  },
});
const minutes = Number(values.minutes);
const seed = Number(values.seed);
if (values.help || !(minutes > 0 && minutes <= 600) || !Number.isSafeInteger(seed)) {
  process.stdout.write(
    "npm run soak -- [--minutes <number, up to 600>] [--seed <integer>]\n\n" +
      "Talks through failing processes, networks and a failing Redis, and checks that nothing was lost silently and\n" +
      "that nothing leaks. The seed chooses the order of the faults.\n",
  );
  process.exit(values.help ? 0 : 1);
}

const folder = await mkdtemp(join(tmpdir(), "greenroom-soak-"));
const soak = new Soak(folder, seed);
let failed = false;
try {
  process.stdout.write(`Soak of ${minutes} minutes with the seed ${seed}\n`);
  await soak.start();
  await soak.run(minutes * 60_000);
  await soak.finish();
  process.stdout.write("The soak has passed.\n");
} catch (error) {
  failed = true;
  process.stdout.write(`The soak has failed: ${error instanceof Error ? error.stack : error}\n`);
} finally {
  await soak.stop();
  await rm(folder, { recursive: true, force: true });
}
process.exit(failed ? 1 : 0);
