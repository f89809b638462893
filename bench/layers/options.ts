import { parseArgs } from "node:util";
import { type CarrierName, carrierNames } from "./carriers/index.ts";

/** What a run of the bench can be told. */
export interface Options {
  readonly runs: number;
  readonly messages: number;
  readonly only: readonly CarrierName[];
  readonly cpuProf: string | undefined;
  readonly write: boolean;
}

export const help = `What the channel layers cost, beside bare ioredis and the adapters of Socket.IO.

  npm run bench:layers -- [options]

  --runs <n>         how often everything is measured, in turn (5)
  --messages <n>     how many messages a measurement has, 100 in flight; a quarter of it where that takes long (20000)
  --only <names>     these rows only, separated by commas, and nothing is written:
                     ${carrierNames.join(", ")}
  --no-write         print the tables, and leave results.json and README.md as they are
  --cpu-prof <dir>   let each node's process write a profile into this folder; figures are higher then
  --help

Results go to bench/layers/results.json and into bench/layers/README.md.
`;

/** @returns nothing where help is wanted. @throws {TypeError} saying what is wrong with the arguments. */
export function readOptions(args: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    args: [...args],
    allowNegative: true,
    options: {
      runs: { type: "string", default: "5" },
      messages: { type: "string", default: "20000" },
      only: { type: "string" },
      write: { type: "boolean", default: true },
      "cpu-prof": { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return undefined;
  const only = values.only?.split(",").map(carrierName) ?? carrierNames;
  return {
    runs: positive("runs", values.runs),
    messages: positive("messages", values.messages),
    only,
    cpuProf: values["cpu-prof"],
    write: values.write && values.only === undefined && values["cpu-prof"] === undefined,
  };
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new TypeError(`--${name} is a positive integer, not "${text}".`);
}

function carrierName(text: string): CarrierName {
  const name = carrierNames.find((known) => known === text);
  if (name === undefined) throw new TypeError(`--only knows ${carrierNames.join(", ")}; not "${text}".`);
  return name;
}
