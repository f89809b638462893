import { parseArgs } from "node:util";
import { everyBench, names, positive } from "../command.ts";

const parts = ["works", "crowd"] as const;
export type Part = (typeof parts)[number];

/** What a run of the bench can be told. */
export interface Options {
  readonly runs: number;
  readonly parts: readonly Part[];
  readonly actors: number;
  /** A folder. */
  readonly profiles: string | undefined;
  readonly write: boolean;
}

export const help = `What looking costs: with the inspector and without, looked at and not.

  npm run bench:inspector -- [options]

  --runs <n>         how often works are measured, in turn; the crowd is measured once (5)
  --parts <names>    ${parts.join(", ")} (both)
  --actors <n>       how many actors the crowd has (10000)
  --no-write         print the tables, and leave results.json and README.md as they are; so it is with one part alone
  --profiles <dir>   write a CPU profile of each measurement into this folder: figures are higher then, and not written
  --help

Results go to bench/inspector/results.json and into bench/inspector/README.md.
`;

/** @returns nothing where help is wanted. @throws {TypeError} saying what is wrong with the arguments. */
export function readOptions(args: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    args: [...args],
    allowNegative: true,
    options: {
      ...everyBench,
      parts: { type: "string" },
      actors: { type: "string", default: "10000" },
    },
  });
  if (values.help) return undefined;
  const wanted = names("parts", values.parts, parts);
  return {
    runs: positive("runs", values.runs),
    parts: wanted,
    actors: positive("actors", values.actors),
    profiles: values.profiles,
    write: values.write && values.profiles === undefined && parts.every((part) => wanted.includes(part)),
  };
}
