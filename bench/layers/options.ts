import { parseArgs } from "node:util";
import { everyBench, names, positive } from "../command.ts";
import { type CarrierName, carrierNames } from "./carriers/index.ts";
import { type Part, parts } from "./plan.ts";

/** What a run of the bench can be told. */
export interface Options {
  readonly runs: number;
  readonly messages: number;
  readonly only: readonly CarrierName[];
  readonly parts: readonly Part[];
  /** A folder. */
  readonly profiles: string | undefined;
  readonly write: boolean;
}

export const help = `What the channel layers cost, beside bare ioredis and the adapters of Socket.IO.

  npm run bench:layers -- [options]

  --runs <n>         how often everything is measured, in turn (5)
  --messages <n>     how many messages a measurement has, 100 in flight; a quarter of it where that takes long (20000)
  --only <names>     these rows only, separated by commas, and nothing is written:
                     ${carrierNames.join(", ")}
  --parts <names>    these tables only, and nothing is written: ${parts.join(", ")}
  --no-write         print the tables, and leave results.json and README.md as they are
  --profiles <dir>   write CPU profiles of both processes into this folder: figures are higher then, and not written
  --help

Results go to bench/layers/results.json and into bench/layers/README.md.
`;

/** @returns nothing where help is wanted. @throws {TypeError} saying what is wrong with the arguments. */
export function readOptions(args: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    args: [...args],
    allowNegative: true,
    options: {
      ...everyBench,
      messages: { type: "string", default: "20000" },
      only: { type: "string" },
      parts: { type: "string" },
    },
  });
  if (values.help) return undefined;
  const all = [values.only, values.parts, values.profiles].every((value) => value === undefined);
  return {
    runs: positive("runs", values.runs),
    messages: positive("messages", values.messages),
    only: names("only", values.only, carrierNames),
    parts: names("parts", values.parts, parts),
    profiles: values.profiles,
    write: values.write && all,
  };
}
