// Runs the specs of spec/fuzz for a given time in all: `npm run fuzz -- --minutes 10`.
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const { values } = parseArgs({ options: { minutes: { type: "string", default: "1" } } });
const mocha = fileURLToPath(import.meta.resolve("mocha/bin/mocha.js"));
const specs = readdirSync("spec/fuzz")
  .filter((name) => name.endsWith(".spec.ts"))
  .map((name) => `spec/fuzz/${name}`);
const seconds = (60 * Number(values.minutes)) / specs.length;
const { status } = spawnSync(process.execPath, [mocha, "--timeout", "0", ...specs], {
  stdio: "inherit",
  env: { ...process.env, GREENROOM_FUZZ_SECONDS: `${seconds}` },
});
process.exitCode = status ?? 1;
