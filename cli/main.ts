#!/usr/bin/env node
import { writeSync } from "node:fs";
import { GraphvizMissingError } from "../diagrams/index.ts";
import { Failure } from "./failure.ts";
import { visualise } from "./visualise.ts";

const help = `greenroom COMMAND

  visualise  draws state machines: greenroom visualise --help
`;

async function run([command, ...args]: readonly string[]): Promise<string> {
  if (command === "visualise") return visualise(args);
  if (command === "--help" || command === "help") return help;
  const what = command === undefined ? "Say what to do." : `There is no command "${command}".`;
  throw new Failure(`${what}\n\n${help.trimEnd()}`, 2);
}

function print(descriptor: 1 | 2, text: string): void {
  let rest = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(descriptor, rest));
    } catch (error) {
      // A pipe that is full is tried again; one whose reader has gone is none any more.
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
// A module that was loaded may have left something that runs.
process.exit(exitCode);
