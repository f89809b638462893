import { parseArgs } from "node:util";
import { Failure } from "./failure.ts";

/** The given options of a command. */
type Values<N extends string, F extends string> = { readonly [K in N]?: string } & {
  readonly [K in F | "help"]?: boolean;
};

/**
 * Parses the arguments of a command.
 * @param names the names of the options with a text
 * @param flags the names of the options without a text. Each command also has `--help`.
 * @throws {Failure} if an option is unknown, or has no text.
 */
export function parseOptions<N extends string, F extends string = never>(
  command: string,
  args: readonly string[],
  names: readonly N[],
  flags: readonly F[] = [],
): { readonly values: Values<N, F>; readonly positionals: readonly string[] } {
  const texts = names.map((name) => [name, { type: "string" }] as const);
  const booleans = ["help", ...flags].map((name) => [name, { type: "boolean" }] as const);
  const options = Object.fromEntries([...texts, ...booleans]);
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    return { values: values as Values<N, F>, positionals };
  } catch (error) {
    throw new Failure(`${(error as Error).message}\nTry greenroom ${command} --help.`, 2);
  }
}
