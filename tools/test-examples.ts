// `npm run test:examples` runs the commands in the README of each example, in a copy of its folder.
import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { startRedisServer } from "../spec/support/redis-server.ts";
import { commandsOf } from "./example-commands.ts";
import { examples, packExamples, tarball } from "./pack-examples.ts";

const help = `Usage: npm run test:examples [-- options] [names]

Packs the package, copies each example into an empty folder, and runs the commands of its README.
Starts a Redis for them unless REDIS_URL names one.

  --packed  use the existing examples/greenroom.tgz
  --list    print the names of the examples
  --help    print this text
`;

/** Three minutes: an installation with an empty cache takes one. */
const timeLimitMs = 180_000;

const environment: NodeJS.ProcessEnv = {
  ...process.env,
  npm_config_prefer_offline: "true",
  npm_config_audit: "false",
  npm_config_fund: "false",
};

function namesOfExamples(): string[] {
  return readdirSync(examples).filter((name) => existsSync(join(examples, name, "package.json")));
}

/** Runs a command in a shell. Resolves to whether it succeeded, and to its output. */
function run(
  command: string,
  cwd: string,
): Promise<{ readonly succeeded: boolean; readonly output: string }> {
  return new Promise((resolve) => {
    const child = spawn(command, {
      cwd,
      env: environment,
      shell: true,
      detached: process.platform !== "win32",
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = `$ ${command}\n`;
    const add = (chunk: Buffer) => {
      output += chunk;
    };
    child.stdout.on("data", add);
    child.stderr.on("data", add);
    const timer = setTimeout(() => {
      output += `It took longer than ${timeLimitMs / 1_000} s.\n`;
      // The group of the shell: a killed shell would leave its commands behind.
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    }, timeLimitMs);
    child.once("close", (code) => {
      clearTimeout(timer);
      // Node's test runner succeeds if it finds no tests: in Node 20, it looks for no TypeScript.
      const hasTested = !/^\S* ?tests 0$/m.test(output);
      resolve({ succeeded: code === 0 && hasTested, output });
    });
  });
}

/** Runs the commands of an example one after the other. Returns the output if one of them fails. */
async function failureOf(name: string, folder: string): Promise<string | undefined> {
  const source = join(examples, name);
  const isCopied = (path: string) => !["node_modules", "package-lock.json"].includes(basename(path));
  cpSync(source, join(folder, name), { recursive: true, filter: isCopied });
  let outputs = "";
  for (const command of commandsOf(readFileSync(join(source, "README.md"), "utf8"))) {
    const { succeeded, output } = await run(command, join(folder, name));
    outputs += output;
    if (!succeeded) return outputs;
  }
  return undefined;
}

async function testExamples(names: readonly string[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "greenroom-examples-"));
  const redis = process.env.REDIS_URL ? undefined : await startRedisServer();
  environment.REDIS_URL ??= redis?.url;
  try {
    cpSync(tarball, join(folder, basename(tarball)));
    for (const name of names) {
      const start = performance.now();
      const failure = await failureOf(name, folder).catch(String);
      const seconds = ((performance.now() - start) / 1_000).toFixed(1);
      process.stdout.write(`${failure === undefined ? "PASS" : "FAIL"} ${name} ${seconds} s\n`);
      if (failure !== undefined) {
        process.stdout.write(`${failure}\n`);
        process.exitCode = 1;
      }
      rmSync(join(folder, name), { recursive: true, force: true });
    }
  } finally {
    await redis?.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { packed: { type: "boolean" }, list: { type: "boolean" }, help: { type: "boolean" } },
});
const known = namesOfExamples();
const unknown = positionals.filter((name) => !known.includes(name));
if (values.help) process.stdout.write(help);
else if (values.list) process.stdout.write(known.map((name) => `${name}\n`).join(""));
else if (unknown.length > 0) {
  process.stderr.write(`Unknown: ${unknown.join(", ")}. The examples are ${known.join(", ")}.\n`);
  process.exitCode = 1;
} else {
  if (!values.packed) packExamples();
  await testExamples(positionals.length > 0 ? positionals : known);
}
