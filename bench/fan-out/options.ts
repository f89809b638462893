import { parseArgs } from "node:util";
import { names, positive } from "../command.ts";
import { type Part, parts } from "./plan.ts";
import { type RowName, rowNames } from "./rows.ts";

/** What a run of the bench can be told. */
export interface Options {
  readonly runs: number;
  /** How long is sent in one measurement. */
  readonly ms: number;
  readonly only: readonly RowName[];
  readonly parts: readonly Part[];
  readonly write: boolean;
  /** A folder for CPU profiles. */
  readonly profiles: string | undefined;
  readonly check: boolean;
}

export const help = `What a message to a room costs, beside bare sockets, ws, Socket.IO and uWebSockets.js.

  npm run bench:fan-out -- [options]

  --runs <n>       how often everything is measured, in turn (5)
  --ms <n>         how many milliseconds long is sent in one measurement; half of it where things grow (800)
  --only <names>   these rows only, separated by commas, and nothing is written:
                   ${rowNames.join(", ")}
  --parts <names>  these tables only, and nothing is written: ${parts.join(", ")}
  --short          a quick look: one run of 300 ms each, and nothing is written
  --no-write       print the tables, and leave all files as they are
  --check          fails unless a delivery costs half of what it costs with bare ws, at most; half a minute
  --profiles <dir> write CPU profiles of the servers into this folder: figures are higher then, and not written
  --help

Results go to bench/fan-out/results.json, bench/fan-out/growth.svg, into bench/fan-out/README.md and into README.md.
`;

/** @returns nothing where help is wanted. @throws {TypeError} saying what is wrong with the arguments. */
export function readOptions(args: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    args: [...args],
    allowNegative: true,
    options: {
      runs: { type: "string" },
      ms: { type: "string" },
      only: { type: "string" },
      parts: { type: "string" },
      short: { type: "boolean", default: false },
      write: { type: "boolean", default: true },
      profiles: { type: "string" },
      check: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return undefined;
  const { short, only, parts: wanted, profiles } = values;
  const all = [only, wanted, profiles].every((value) => value === undefined);
  return {
    runs: positive("runs", values.runs ?? (short ? "1" : "5")),
    ms: positive("ms", values.ms ?? (short ? "300" : "800")),
    only: names("only", only, rowNames),
    parts: names("parts", wanted, parts),
    write: values.write && !short && all,
    profiles,
    check: values.check,
  };
}
