/** The options that every bench has, for `parseArgs`. */
export const everyBench = {
  runs: { type: "string", default: "5" },
  write: { type: "boolean", default: true },
  profiles: { type: "string" },
  help: { type: "boolean", default: false },
} as const;

/** The number in an option of a bench. @throws {TypeError} naming the option, unless it is a positive integer. */
export function positive(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new TypeError(`--${name} is a positive integer, not "${text}".`);
}

/**
 * The names in an option of a bench, separated by commas; all there are where the option is not given.
 *
 * @throws {TypeError} listing those there are, for another one.
 */
export function names<Name extends string>(
  option: string,
  list: string | undefined,
  known: readonly Name[],
): readonly Name[] {
  if (list === undefined) return known;
  return list.split(",").map((text) => {
    const name = known.find((candidate) => candidate === text);
    if (name === undefined) throw new TypeError(`--${option} knows ${known.join(", ")}; not "${text}".`);
    return name;
  });
}

/** Runs a bench by its arguments: shows the help where `read` gives nothing, and what is wrong where it throws. */
export async function runCommand<Options>(
  read: (args: readonly string[]) => Options | undefined,
  help: string,
  main: (options: Options) => Promise<void>,
): Promise<void> {
  let options: Options | undefined;
  try {
    options = read(process.argv.slice(2));
    if (options === undefined) process.stdout.write(help);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exitCode = 1;
  }
  if (options !== undefined) await main(options);
}
