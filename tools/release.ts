// `npm run release -- minor` prepares a release, and prints the command that publishes it. CONTRIBUTING.md explains it.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { unreleasedChanges, withRelease } from "./release/changelog.ts";
import { distTag, nextVersion } from "./release/next-version.ts";
import { ReleaseError } from "./release/release-error.ts";
import { checkRepository, git } from "./release/repository.ts";
import { setVersion } from "./release/set-version.ts";
import { packTarball, type Tarball } from "./release/tarball.ts";

/** The scripts of package.json that have to pass. */
const checks = [
  "lint",
  "types",
  "test",
  "test:redis",
  "test:docs",
  "test:api-docs",
  "test:package",
  "test:release",
  "test:examples",
];

const usage = "Usage: npm run release -- <patch|minor|major|x.y.z> [--dry-run]";

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly repository?: unknown;
}

function main(folder: string): void {
  const { wanted, isDry } = readArguments();
  const version = nextVersion(manifestOf(folder).version, wanted);
  if (isDry) rehearse(folder, version);
  else release(folder, version);
}

/** @throws {ReleaseError} with the usage, if an argument is missing or unknown. */
function readArguments(): { readonly wanted: string; readonly isDry: boolean } {
  const options = { "dry-run": { type: "boolean", default: false } } as const;
  try {
    const { values, positionals } = parseArgs({ options, allowPositionals: true });
    const [wanted, ...more] = positionals;
    if (wanted !== undefined && more.length === 0) return { wanted, isDry: values["dry-run"] };
  } catch (error) {
    throw new ReleaseError(`${error instanceof Error ? error.message : error}\n${usage}`);
  }
  throw new ReleaseError(usage);
}

/** @throws {ReleaseError} if the repository is not ready for a release. */
function checkReadiness(folder: string, version: string): void {
  checkRepository(folder, `v${version}`);
  unreleasedChanges(read(folder, "CHANGELOG.md"));
}

/** Says what a release would do, and checks the tarball. Writes files only where git ignores them. */
function rehearse(folder: string, version: string): void {
  try {
    checkReadiness(folder, version);
  } catch (error) {
    if (!(error instanceof ReleaseError)) throw error;
    say(`A release would stop here: ${error.message}`);
  }
  say(`A release would run ${checks.map((name) => `npm run ${name}`).join(", ")}.`);
  const destination = mkdtempSync(join(tmpdir(), "release-"));
  try {
    describe(packTarball(folder, destination));
  } finally {
    rmSync(destination, { recursive: true });
  }
  say(`A release would commit and tag v${version}. Nothing has changed.`);
}

/** Leaves no changes if a step fails. */
function release(folder: string, version: string): void {
  checkReadiness(folder, version);
  for (const name of checks) npm(folder, "run", name);
  // The checks take long. A change in the meantime would get into the release, or get lost if a step fails.
  checkReadiness(folder, version);
  let tarball: Tarball;
  try {
    setVersion(folder, version);
    const day = new Date().toISOString().slice(0, 10);
    const path = join(folder, "CHANGELOG.md");
    writeFileSync(path, withRelease(readFileSync(path, "utf8"), version, day));
    tarball = packTarball(folder, folder);
    describe(tarball);
    git(folder, "commit", "--quiet", "--all", "--message", `release: ${version}`);
  } catch (error) {
    git(folder, "restore", "--staged", "--worktree", ".");
    throw error;
  }
  git(folder, "tag", "--annotate", "--message", `Version ${version}`, `v${version}`);
  say(`Committed and tagged v${version}. To publish it:\n`);
  say(`  git push origin main v${version}`);
  const file = relative(folder, tarball.path);
  say(`  npm publish ./${file} --tag ${distTag(version)} --provenance --access public\n`);
  say("npm states the provenance only in a workflow of GitHub or GitLab that may request an identity token");
  say("(on GitHub: id-token: write). Elsewhere, leave out --provenance.");
  if (manifestOf(folder).repository === undefined) {
    say('Provenance also needs the property "repository" in package.json, which is missing.');
  }
}

function describe({ path, size, fileCount }: Tarball): void {
  say(`The tarball ${path} is complete: ${fileCount} files, ${Math.round(size / 1000)} kB.`);
}

function manifestOf(folder: string): Manifest {
  return JSON.parse(read(folder, "package.json")) as Manifest;
}

function read(folder: string, file: string): string {
  return readFileSync(join(folder, file), "utf8");
}

function npm(folder: string, ...args: readonly string[]): void {
  try {
    execFileSync("npm", args, { cwd: folder, stdio: "inherit", shell: process.platform === "win32" });
  } catch {
    throw new ReleaseError(`npm ${args.join(" ")} failed: there is nothing to release yet.`);
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

try {
  main(process.cwd());
} catch (error) {
  if (!(error instanceof ReleaseError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
