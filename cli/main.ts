#!/usr/bin/env node
import { writeSync } from "node:fs";
import { GraphvizMissingError } from "../diagrams/index.ts";
import { version } from "../version.ts";
import { asyncapi } from "./asyncapi.ts";
import { Failure } from "./failure.ts";
import { init } from "./init/init.ts";
import { visualise } from "./visualise.ts";

const help = `Usage: greenroom COMMAND

  init       write a new project; see greenroom init --help
  asyncapi   describe contracts; see greenroom asyncapi --help
  visualise  draw state machines; see greenroom visualise --help

  --version  print the version
  --help     print this help
`;

async function run([command, ...args]: readonly string[]): Promise<string> {
  if (command === "init") return init(args);
  if (command === "asyncapi") return asyncapi(args);
  if (command === "visualise") return visualise(args);
  if (command === "--version") return `${version}\n`;
  if (command === "--help" || command === "help") return help;
  const problem = command === undefined ? "No command given." : `Unknown command "${command}".`;
  throw new Failure(`${problem}\n\n${help.trimEnd()}`, 2);
}

function print(descriptor: 1 | 2, text: string): void {
  let rest = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(descriptor, rest));
    } catch (error) {
      // EAGAIN means that the pipe is full: try again. Other errors mean that the reader has closed the pipe.
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") return;
    }
  }
}

let exitCode = 0;
try {
  print(1, await run(process.argv.slice(2)));
} catch (error) {
  const isExpected = error instanceof Failure || error instanceof GraphvizMissingError;
  print(2, `${isExpected ? error.message : String((error as Error)?.stack ?? error)}\n`);
  exitCode = error instanceof Failure ? error.exitCode : 1;
}
// Exits explicitly, because a loaded module may have opened a handle that keeps the process alive.
process.exit(exitCode);
