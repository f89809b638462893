import { parseArgs } from "node:util";
import { everyBench, positive } from "../command.ts";

/** What a run of the bench can be told. */
export interface Options {
  readonly runs: number;
  readonly messages: number;
  readonly actors: number;
  /** A folder. */
  readonly profiles: string | undefined;
  readonly write: boolean;
}

export const help = `What actors cost, beside bare XState and a plain function call.

  npm run bench:actors -- [options]

  --runs <n>         how often everything is measured, in turn (5)
  --messages <n>     how many messages a measurement has; a tenth of it to machines (2000000)
  --actors <n>       how many actors at once at most: 100, 1,000 … up to this (100000)
  --no-write         print the tables, and leave results.json and README.md as they are
  --profiles <dir>   write a CPU profile of each measurement into this folder: figures are higher then, and not written
  --help

Results go to bench/actors/results.json and into bench/actors/README.md.
`;

/** @returns nothing where help is wanted. @throws {TypeError} saying what is wrong with the arguments. */
export function readOptions(args: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    args: [...args],
    allowNegative: true,
    options: {
      ...everyBench,
      messages: { type: "string", default: "2000000" },
      actors: { type: "string", default: "100000" },
    },
  });
  if (values.help) return undefined;
  return {
    runs: positive("runs", values.runs),
    messages: positive("messages", values.messages),
    actors: positive("actors", values.actors),
    profiles: values.profiles,
    write: values.write && values.profiles === undefined,
  };
}
