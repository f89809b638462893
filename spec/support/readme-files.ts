import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { codeBlocks } from "./code-blocks.ts";

const readme = fileURLToPath(new URL("../../README.md", import.meta.url));

/** Writes the files of the README's example into `folder`. @param change changes the code of the server. */
export async function writeReadmeFiles(folder: string, change: (code: string) => string): Promise<void> {
  for (const { code, file } of codeBlocks(await readFile(readme, "utf8"))) {
    if (file === undefined) continue;
    await writeFile(join(folder, file), file === "server.ts" ? change(code) : code);
  }
}
