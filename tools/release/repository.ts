import { execFileSync } from "node:child_process";
import { ReleaseError } from "./release-error.ts";

/** Runs git in the given folder, and returns its output. */
export function git(folder: string, ...args: readonly string[]): string {
  return execFileSync("git", args, { cwd: folder, encoding: "utf8" }).trim();
}

/**
 * Checks that a release can begin: on main, without changes that are not committed, and with a new tag.
 *
 * @throws {ReleaseError} at the first of these that does not hold.
 */
export function checkRepository(folder: string, tag: string): void {
  const branch = git(folder, "rev-parse", "--abbrev-ref", "HEAD");
  if (branch !== "main") throw new ReleaseError(`The branch is ${branch}: release from main.`);
  const changes = git(folder, "status", "--porcelain");
  if (changes !== "") throw new ReleaseError(`Commit or remove these changes first:\n${changes}`);
  if (git(folder, "tag", "--list", tag) !== "") throw new ReleaseError(`The tag ${tag} exists already.`);
}
