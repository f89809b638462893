import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { availableParallelism, cpus } from "node:os";

/** What figures are worth depends on this. */
export interface Circumstances {
  readonly date: string;
  readonly machine: { readonly cpu: string; readonly cores: number };
  readonly versions: Readonly<Record<string, string>>;
}

/**
 * When and on what a bench runs.
 *
 * @param packages whose versions count, as they are installed for the bench in `file` or for the project
 * @param more versions of what is no package
 */
export async function circumstances(
  packages: readonly string[],
  file: string,
  more: Readonly<Record<string, string>> = {},
): Promise<Circumstances> {
  const versions = await Promise.all(packages.map(async (name) => [name, await versionOf(name, file)]));
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: { cpu: cpus()[0]?.model ?? "unknown", cores: availableParallelism() },
    versions: { node: process.versions.node, ...more, ...Object.fromEntries(versions) },
  };
}

/** The same as a sentence. */
export function sentenceOf({ date, machine, versions }: Circumstances): string {
  const named = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return `${date}: ${machine.cores} cores (${machine.cpu}), ${named.join(", ")}.`;
}

async function versionOf(name: string, file: string): Promise<string> {
  const folders = createRequire(file).resolve.paths(name) ?? [];
  for (const folder of folders) {
    try {
      const { version } = JSON.parse(await readFile(`${folder}/${name}/package.json`, "utf8"));
      return version;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
  return "unknown";
}
