// `npm run test:runtimes` lets the packed package talk in each JavaScript runtime. `--only node@22,bun` chooses some.
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual, parseArgs } from "node:util";
import { run } from "../support/child-process.ts";
import { emptyProject, packedPackage } from "../support/installed-package.ts";
import { startRedisServer } from "../support/redis-server.ts";

/** The runtimes, as packages of npm. */
const all = ["node@20.19", "node@22", "node@24", "node@latest", "bun", "deno"];

/** The programs: each loads the package in another way. */
const programs = { import: "esm.mjs", require: "require.cjs" };

const heard = ["hello", "are you there?", "resumed: 1"];
const expected = { memory: heard, "pub/sub": heard, streams: heard, idle: "3 pings" };

interface Runtime {
  readonly path: string;
  readonly version: string;
  readonly flags: readonly string[];
}

const project = emptyProject();
for (const file of ["conversation.cjs", ...Object.values(programs)])
  copyFileSync(new URL(file, import.meta.url), join(project.folder, file));

/** Runs npm or npx in the project. */
function npm(command: "npm" | "npx", ...args: readonly string[]): Promise<{ readonly stdout: string }> {
  return run(command, args, { cwd: project.folder, timeout: 600_000, shell: process.platform === "win32" });
}

/** Installs a runtime into npm's cache, and returns its executable. */
async function install(name: string): Promise<Runtime> {
  const [command = name] = name.split("@");
  const versions = "process.versions.bun || process.versions.deno || process.versions.node";
  const script = `console.log(JSON.stringify([process.execPath, ${versions}]))`;
  const flag = command === "deno" ? "eval" : "-e";
  const { stdout } = await npm("npx", "--yes", `--package=${name}`, "--", command, flag, script);
  const [path, version] = JSON.parse(stdout);
  return { path, version, flags: command === "deno" ? ["run", "--allow-all"] : [] };
}

/** Lets a program talk. Returns "ok", or the reason for its failure. */
async function talk({ path, flags }: Runtime, program: string, redisUrl: string): Promise<string> {
  try {
    const options = { cwd: project.folder, timeout: 120_000, killSignal: "SIGKILL" } as const;
    const { stdout } = await run(path, [...flags, program, redisUrl], options);
    return isDeepStrictEqual(JSON.parse(stdout), expected) ? "ok" : stdout.trim();
  } catch (error) {
    const { killed, stderr = "" } = error as { readonly killed?: boolean; readonly stderr?: string };
    return killed ? `no end after 2 minutes ${stderr}` : stderr || String(error);
  }
}

const { values } = parseArgs({ options: { only: { type: "string" } } });
const redis = await startRedisServer();
try {
  await npm("npm", "install", "--prefer-offline", await packedPackage(), "ioredis", "ws");
  const rows = [["runtime", "version", ...Object.keys(programs)]];
  for (const name of values.only?.split(",") ?? all) {
    const runtime = await install(name);
    const results: string[] = [];
    for (const program of Object.values(programs)) results.push(await talk(runtime, program, redis.url));
    for (const result of results.filter((text) => text !== "ok")) {
      process.stderr.write(`${name}: ${result}\n`);
      process.exitCode = 1;
    }
    rows.push([name, runtime.version, ...results.map((text) => (text === "ok" ? text : "failed"))]);
  }
  for (const row of rows) process.stdout.write(`${row.map((cell) => cell.padEnd(12)).join("")}\n`);
} finally {
  await redis.stop();
}
