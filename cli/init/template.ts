import { readdirSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";

const folder = new URL("template/", import.meta.url);
const { devDependencies } = createRequire(import.meta.url)("../../package.json") as {
  readonly devDependencies: Readonly<Record<string, string>>;
};

/** The text of each file of a new project, by its path. */
const files = Object.fromEntries(
  readdirSync(folder, { encoding: "utf8", recursive: true })
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => statSync(new URL(path, folder)).isFile())
    .map((path) => [path, readFileSync(new URL(path, folder), "utf8")]),
);

/**
 * The files of a new project, and the versions of the packages that Greenroom is tested with. The build replaces this
 * file by one that contains the texts, so that the command works from a bundle.
 */
export const template: {
  readonly files: Readonly<Record<string, string>>;
  readonly versions: Readonly<Record<string, string>>;
} = { files, versions: devDependencies };
