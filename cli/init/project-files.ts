import { createManifest, type Runner } from "./manifest.ts";
import { template } from "./template.ts";

/** The name of the project in the template. */
const placeholder = "my-greenroom-app";

/** The paths of the template that begin with a dot in the project: npm and Git would apply them to the template. */
const hidden: readonly string[] = ["gitignore", "dockerignore"];

const modules: Readonly<Record<Runner, string>> = { node: "node:test", mocha: "mocha", vitest: "vitest" };

/** The text of each file of a project, by its path. */
export function projectFiles(name: string, runner: Runner): ReadonlyMap<string, string> {
  const files = new Map(
    Object.entries(template.files).map(([path, text]) => [
      hidden.includes(path) ? `.${path}` : path,
      text.replaceAll(placeholder, name).replace('from "node:test"', `from "${modules[runner]}"`),
    ]),
  );
  return files.set("package.json", `${JSON.stringify(createManifest(name, runner), undefined, 2)}\n`);
}
