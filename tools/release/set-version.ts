import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { git } from "./repository.ts";

/**
 * Writes a version into package.json and the lock file, and into the pages that name the file of the package.
 * version.ts reads package.json.
 */
export function setVersion(folder: string, version: string): void {
  const args = ["version", version, "--no-git-tag-version", "--allow-same-version", "--ignore-scripts"];
  execFileSync("npm", args, { cwd: folder, stdio: "ignore", shell: process.platform === "win32" });
  const pages = git(folder, "ls-files", "*.md", ":!CHANGELOG.md").split("\n").filter(Boolean);
  for (const page of pages) {
    const path = join(folder, page);
    const text = readFileSync(path, "utf8");
    const current = text.replace(/\b(greenroom-)\d+\.\d+\.\d+[\w.-]*?(?=\.tgz\b)/g, `$1${version}`);
    if (current !== text) writeFileSync(path, current);
  }
}
