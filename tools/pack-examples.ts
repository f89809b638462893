// `npm run pack:examples` builds the package, and packs it into examples/greenroom.tgz for the examples.
import { execSync } from "node:child_process";
import { renameSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder with one folder per example. */
export const examples = fileURLToPath(new URL("../examples", import.meta.url));

/** The package that the examples install. */
export const tarball = join(examples, "greenroom.tgz");

/** Builds the package, and packs it. */
export function packExamples(): void {
  const output = execSync("npm pack --silent --pack-destination examples", {
    cwd: join(examples, ".."),
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  // The last line is the name, which contains the version.
  const name = output.trim().split("\n").at(-1) ?? "";
  renameSync(join(examples, name), tarball);
}

if (import.meta.filename === process.argv[1]) packExamples();
