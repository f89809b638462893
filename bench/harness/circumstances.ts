import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { availableParallelism, cpus } from "node:os";

/**
 * Describes a run: date, machine and versions.
 *
 * @param packages the names of packages, which are resolved from the module `url`
 * @param redis the version of the Redis server, if one is used
 */
export async function circumstances(
  packages: readonly string[],
  url: string,
  redis?: string,
): Promise<string> {
  const versions = await Promise.all(packages.map(async (name) => `${name} ${await versionOf(name, url)}`));
  return [
    `${new Date().toISOString().slice(0, 10)}: ${availableParallelism()} cores (${cpus()[0]?.model ?? "unknown"})`,
    ...[`node ${process.versions.node}`, ...(redis === undefined ? [] : [`redis ${redis}`]), ...versions],
  ].join(", ");
}

async function versionOf(name: string, url: string): Promise<string> {
  for (const folder of createRequire(url).resolve.paths(name) ?? []) {
    try {
      return JSON.parse(await readFile(`${folder}/${name}/package.json`, "utf8")).version;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
  return "unknown";
}
