import { mkdtempSync, rmSync } from "node:fs";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("../..", import.meta.url));
/** Inside the project, so that packages resolve. */
let folder: string | undefined;

/**
 * Bundles programs together with the files of this project that they import. A bundle starts several times as
 * fast as the program with tsx. The files are deleted when this process ends.
 *
 * @returns the file to run for each of `programs`.
 */
export async function bundle(...programs: readonly string[]): Promise<string[]> {
  if (folder === undefined) {
    folder = mkdtempSync(`${root}/.tmp-programs-`);
    const created = folder;
    process.once("exit", () => rmSync(created, { recursive: true, force: true }));
  }
  await build({
    entryPoints: [...programs],
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    conditions: ["greenroom-source"],
    external: ["ioredis", "msgpackr", "path-to-regexp", "vitest", "ws", "xstate"],
    outbase: root,
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    sourcemap: "inline",
  });
  return programs.map((program) => `${folder}/${relative(root, program).replace(/\.ts$/, ".mjs")}`);
}
