import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "./child-process.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Returns all files in code spans of a page, and those files that the repository does not have. */
export async function namedFiles(
  page: string,
): Promise<{ readonly named: string[]; readonly missing: string[] }> {
  const { stdout } = await run("git", ["ls-files"], { cwd: root });
  const files = stdout.split("\n");
  const names = new Set(files.map((file) => basename(file)));
  const named = [...page.matchAll(/`([\w/.-]+\.(?:ts|js))`/g)].map(([, file = ""]) => file);
  const exists = (file: string) =>
    file.includes("/")
      ? files.some((known) => known === file || known.endsWith(`/${file}`))
      : names.has(file);
  return { named, missing: named.filter((file) => !exists(file)) };
}
