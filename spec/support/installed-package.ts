import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "./child-process.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const modules = join(root, "node_modules");

/** A project in a temporary folder. It is deleted when this process ends. */
export interface Project {
  readonly folder: string;
  /** Installs a package. @param target its folder, by default that of this repository's package */
  link(name: string, target?: string): void;
  /** Writes a file, and returns its path. */
  write(name: string, text: string): string;
}

const folders: string[] = [];
process.once("exit", () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

let built: Promise<string> | undefined;

/** Builds the package once, and returns the folder with the files that `npm pack` would put into the tarball. */
export function builtPackage(): Promise<string> {
  built ??= build();
  return built;
}

async function build(): Promise<string> {
  const folder = temporaryFolder();
  const flags = ["--import=tsx", join(root, "tools/build.ts"), join(folder, "dist")];
  await run(process.execPath, flags, { cwd: root });
  for (const file of ["package.json", "CHANGELOG.md", "README.md", "LICENSE"])
    copyFileSync(join(root, file), join(folder, file));
  cpSync(join(root, "operations"), join(folder, "operations"), { recursive: true });
  return folder;
}

/** Builds the package, and packs it. Returns the path of the tarball, which is deleted when this process ends. */
export async function packedPackage(): Promise<string> {
  const folder = temporaryFolder();
  const args = ["pack", "--json", "--ignore-scripts", "--pack-destination", folder];
  const { stdout } = await run("npm", args, { cwd: await builtPackage() });
  const [{ filename }] = JSON.parse(stdout) as [{ readonly filename: string }];
  return join(folder, filename);
}

/** A project without packages. */
export function emptyProject(): Project {
  const folder = temporaryFolder();
  const link = (name: string, target = join(modules, name)) => {
    const path = join(folder, "node_modules", name);
    mkdirSync(dirname(path), { recursive: true });
    rmSync(path, { force: true });
    symlinkSync(target, path, "junction");
  };
  const write = (name: string, text: string) => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  write("package.json", `{ "type": "module" }`);
  return { folder, link, write };
}

/** A project with the built package, its dependencies, and the named packages. */
export async function projectWithPackage(...names: readonly string[]): Promise<Project> {
  const built = await builtPackage();
  const project = emptyProject();
  // From the target of a symbolic link, Node would not find the packages of the project.
  cpSync(built, join(project.folder, "node_modules/greenroom"), { recursive: true });
  const { dependencies } = JSON.parse(readFileSync(join(built, "package.json"), "utf8"));
  for (const name of [...Object.keys(dependencies), ...names]) project.link(name);
  return project;
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "greenroom-package-"));
  folders.push(folder);
  return folder;
}
