import { parseArgs } from "node:util";

interface NumberOption {
  readonly default: number;
  /** The default with `--short`. */
  readonly short?: number;
  readonly help: string;
}

interface NamesOption<Name extends string> {
  /** The valid names. All of them are the default. */
  readonly names: readonly Name[];
  readonly help: string;
}

/** The options of a benchmark by name: positive integers, and lists of names. */
export type OptionTable = Readonly<Record<string, NumberOption | NamesOption<string>>>;

export type OptionValues<T extends OptionTable> = {
  readonly [Name in keyof T]: T[Name] extends { readonly names: readonly (infer Choice)[] }
    ? readonly Choice[]
    : number;
};

/** Options of every benchmark. */
export interface SharedOptions {
  readonly runs: number;
  /** The folder for CPU profiles; `undefined` for none. */
  readonly profiles: string | undefined;
  readonly check: boolean;
  /** Whether to write the results into the README. */
  readonly write: boolean;
}

const runs: NumberOption = { default: 5, short: 1, help: "number of runs" };

/**
 * Parses the arguments of the command line.
 *
 * @returns `undefined` for `--help`
 * @throws {TypeError} if an argument is unknown or invalid
 */
export function parseOptions<T extends OptionTable>(
  args: readonly string[],
  table: T,
): (SharedOptions & OptionValues<T>) | undefined {
  const all: OptionTable = { runs, ...table };
  const { values } = parseArgs({
    args: [...args],
    allowNegative: true,
    options: {
      ...Object.fromEntries(Object.keys(all).map((name) => [name, { type: "string" } as const])),
      profiles: { type: "string" },
      short: { type: "boolean", default: false },
      check: { type: "boolean", default: false },
      write: { type: "boolean", default: true },
      help: { type: "boolean", default: false },
    },
  });
  const { profiles, short, check, write, help } = values;
  if (help) return undefined;
  const texts: Readonly<Record<string, unknown>> = values;
  const parsed = Object.entries(all).map(([name, option]) => [
    name,
    "names" in option ? parseNames(name, option, texts[name]) : parseNumber(name, option, texts[name], short),
  ]);
  const isPartial = Object.entries(all).some(([name, option]) => "names" in option && texts[name]);
  const isWhole = !short && !isPartial && profiles === undefined;
  return { ...Object.fromEntries(parsed), profiles, check, write: write && isWhole };
}

function parseNumber(name: string, option: NumberOption, text: unknown, short: boolean): number {
  if (text === undefined) return (short ? option.short : undefined) ?? option.default;
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new TypeError(`--${name} must be a positive integer, not "${text}".`);
}

function parseNames(name: string, { names }: NamesOption<string>, text: unknown): readonly string[] {
  const chosen = text === undefined ? names : String(text).split(",");
  const unknown = chosen.find((choice) => !names.includes(choice));
  if (unknown === undefined) return chosen;
  throw new TypeError(`--${name} must be one of ${names.join(", ")}, not "${unknown}".`);
}

/** The help text. @param checks the requirement of `--check`. If `undefined`, `--check` is omitted. */
export function helpOf(name: string, about: string, table: OptionTable, checks?: string): string {
  const own = Object.entries<NumberOption | NamesOption<string>>({ runs, ...table }).map(
    ([option, details]) => {
      if ("names" in details) return [`${option} <names>`, `${details.help}: ${details.names.join(", ")}`];
      const short = details.short === undefined ? "" : `; with --short ${details.short}`;
      return [`${option} <n>`, `${details.help} (${details.default}${short})`];
    },
  );
  const lines = [
    ...own,
    ["short", "run a quick, less precise measurement"],
    ...(checks === undefined ? [] : [["check", `fail unless ${checks}`]]),
    ["no-write", "print the tables but do not write them into the README"],
    ["profiles <dir>", "write CPU profiles of all processes into <dir>; this raises all figures"],
    ["help", "print this help"],
  ];
  return `${about}

  npm run bench:${name} -- [options]

${lines.map(([option, text]) => `  --${option}`.padEnd(22) + text).join("\n")}

A full run writes its tables into bench/${name}/README.md. With --short, --profiles or a list of names, the
tables are only printed.
`;
}
