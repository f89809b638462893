import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ReleaseError } from "./release-error.ts";

export interface Tarball {
  readonly path: string;
  /** Bytes of the file. */
  readonly size: number;
  readonly fileCount: number;
}

interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly files: readonly { readonly path: string }[];
}

type Targets = string | { readonly [condition: string]: Targets };

interface Manifest {
  readonly exports?: Readonly<Record<string, Targets>>;
  readonly bin?: Readonly<Record<string, string>>;
}

/** The files that belong to no entry point. */
const others = ["CHANGELOG.md", "LICENSE", "README.md", "package.json"];

/** Sources in dist/, and files that are on the machine of a developer by accident. */
const foreign = /^dist\/.*(?<!\.d)\.tsx?$|(?:^|\/)(?:node_modules\/|\.env|\.npmrc)|\.(?:log|tgz|pem|key)$/;

/** The condition of the sources, which are in the repository only. */
const sources = "greenroom-source";

/**
 * Builds the package, and packs it into a folder.
 *
 * @throws {ReleaseError} if the tarball lacks a file of an entry point or of a command, or has a foreign file.
 */
export function packTarball(folder: string, destination: string): Tarball {
  const args = ["pack", "--json", "--pack-destination", destination];
  const options = { cwd: folder, encoding: "utf8", shell: process.platform === "win32" } as const;
  const output = execFileSync("npm", args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
  // The output of `prepack` comes before the report.
  const [packed] = JSON.parse(output.slice(output.search(/^\[$/m))) as readonly Packed[];
  if (packed === undefined) throw new ReleaseError("npm pack did not write a tarball.");
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
  const files = packed.files.map(({ path }) => path);
  checkContents(manifest, files);
  return { path: join(destination, packed.filename), size: packed.size, fileCount: files.length };
}

/** @throws {ReleaseError} which names the missing and the foreign files. */
export function checkContents(manifest: Manifest, files: readonly string[]): void {
  const needed = [...others, ...Object.values(manifest.bin ?? {}), ...targetsOf(manifest.exports ?? {})];
  const paths = needed.map((path) => path.replace(/^\.\//, ""));
  const missing = [...new Set(paths)].filter((path) => !files.includes(path));
  const unwanted = files.filter((path) => foreign.test(path));
  if (missing.length > 0) throw new ReleaseError(`The tarball lacks ${missing.join(", ")}.`);
  if (unwanted.length > 0) throw new ReleaseError(`The tarball must not contain ${unwanted.join(", ")}.`);
}

function targetsOf(targets: Targets): string[] {
  if (typeof targets === "string") return [targets];
  return Object.entries(targets).flatMap(([condition, target]) =>
    condition === sources ? [] : targetsOf(target),
  );
}
