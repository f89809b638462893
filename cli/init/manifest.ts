import { version } from "../../version.ts";
import { template } from "./template.ts";

/** The packages with which a new project runs its tests, and the command for them. */
const runners = {
  // The shell, or Node from version 21 on, replaces the pattern by the names of files.
  node: { packages: [], command: "node --import tsx --test *.test.ts" },
  mocha: { packages: ["mocha", "@types/mocha"], command: 'mocha --import=tsx "*.test.ts"' },
  vitest: { packages: ["vitest"], command: "vitest run" },
} as const;

export type Runner = keyof typeof runners;

export const runnerNames = Object.keys(runners) as readonly Runner[];

/** The packages of a project, with the versions that Greenroom is tested with. */
export function dependenciesOf(runner: Runner) {
  const { packages } = runners[runner];
  return {
    dependencies: { greenroom: `^${version}`, ...versionsOf(["ioredis", "zod"]) },
    devDependencies: versionsOf(["@types/node", "esbuild", "tsx", "typescript", ...packages].sort()),
  };
}

/** The content of `package.json`. */
export function createManifest(name: string, runner: Runner): object {
  return {
    name,
    version: "0.0.0",
    private: true,
    type: "module",
    engines: { node: ">=20.19" },
    scripts: {
      dev: "node --watch --import tsx scripts/dev.ts",
      build: "node --import tsx scripts/build.ts",
      prestart: "npm run build",
      start: "node dist/server.js",
      test: runners[runner].command,
      types: "tsc",
    },
    ...dependenciesOf(runner),
    // esbuild works without its script, and npm would warn about it.
    allowScripts: { esbuild: false },
  };
}

function versionsOf(names: readonly string[]): Record<string, string | undefined> {
  return Object.fromEntries(names.map((name) => [name, template.versions[name]]));
}
