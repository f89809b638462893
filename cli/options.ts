import { parseArgs } from "node:util";
import { Failure } from "./failure.ts";

/** The given options of a command. */
type Values<N extends string> = { readonly [K in N]?: string } & { readonly help?: boolean };

/**
 * Parses the arguments of a command.
 * @param names the names of the options with a text. Each command also has `--help`.
 * @throws {Failure} if an option is unknown, or has no text.
 */
export function parseOptions<N extends string>(
  command: string,
  args: readonly string[],
  names: readonly N[],
): { readonly values: Values<N>; readonly positionals: readonly string[] } {
  const texts = names.map((name) => [name, { type: "string" }] as const);
  const options = { ...Object.fromEntries(texts), help: { type: "boolean" } } as const;
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    return { values: values as Values<N>, positionals };
  } catch (error) {
    throw new Failure(`${(error as Error).message}\nTry greenroom ${command} --help.`, 2);
  }
}
