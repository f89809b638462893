// Runs mocha with the given arguments on two cores, or on one if REDIS_URL names a server that all specs share.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const mocha = fileURLToPath(import.meta.resolve("mocha/bin/mocha.js"));
const parallel = process.env.REDIS_URL ? [] : ["--parallel", "--jobs", "2"];
const { status } = spawnSync(process.execPath, [mocha, ...parallel, ...process.argv.slice(2)], {
  stdio: "inherit",
});
process.exitCode = status ?? 1;
