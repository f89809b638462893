// `npm run build` compiles the package into dist/. docs/design/25-packages.md explains the two forms of the code.
import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";
import { template } from "../cli/init/template.ts";
import { pageContent } from "../inspector/page-content.ts";
import { version } from "../version.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const require = createRequire(import.meta.url);

/** The entry points of the package, by the names of their files in dist/node/. */
const entryPoints = {
  index: "index.js",
  redis: "layers/redis/index.js",
  contract: "contract/index.js",
  testing: "testing.js",
  visualise: "diagrams/index.js",
  inspector: "inspector/index.js",
  asyncapi: "asyncapi/index.js",
  metrics: "metrics/index.js",
  tracing: "tracing/index.js",
  vite: "vite/index.js",
  cli: "cli/main.js",
};

/** The entry points for browsers and servers: each becomes one module of its own. */
const selfContained = { client: "client/index.js" };

/** The dependencies that are CommonJS modules. Node loads them in half the time with `require`. */
const commonJs = ["cookie", "ioredis", "proxy-addr", "ws", "xstate"];

/** Writes one module per source file, for bundlers, with the types of all modules. */
function compile(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const project = join(root, "tsconfig.build.json");
  execFileSync(process.execPath, [tsc, "-p", project, "--outDir", folder], { stdio: "inherit" });
}

/**
 * Removes the sign of private members from the declaration of consumers. Otherwise the compiler refuses to
 * write a declaration of a function that returns a class of consumers (TS4094).
 */
function hidePrivateMembers(folder: string): void {
  for (const name of [
    "actors/actor-operations.d.ts",
    "actors/consumer.d.ts",
    "actors/contract/contract-consumer.d.ts",
    "actors/json-websocket-consumer.d.ts",
  ]) {
    const file = join(folder, name);
    writeFileSync(file, readFileSync(file, "utf8").replace(/^ *#private;\n/m, ""));
  }
}

/** Replaces the modules that would read files of this repository, or import a package that is not installed. */
async function fillIn(folder: string): Promise<void> {
  const write = (file: string, text: string) => {
    writeFileSync(join(folder, file), text);
    rmSync(join(folder, `${file}.map`), { force: true });
  };
  write("version.js", `export const version = ${JSON.stringify(version)};\n`);
  write("inspector/page-content.js", `export const pageContent = ${JSON.stringify(pageContent, null, 2)};\n`);
  write("cli/init/template.js", `export const template = ${JSON.stringify(template, null, 2)};\n`);
  write("layers/wire/msgpackr.js", await msgpackr());
}

/** The parts of msgpackr that this package uses, with the license. */
async function msgpackr(): Promise<string> {
  const read = (file: string) => readFileSync(join(root, "node_modules/msgpackr", file), "utf8");
  const { version } = JSON.parse(read("package.json")) as { readonly version: string };
  const { outputFiles } = await build({
    stdin: { contents: `export { Packr } from "msgpackr/pack";`, resolveDir: root },
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    write: false,
    banner: { js: `/*!\nmsgpackr ${version}\n\n${read("LICENSE").trim()}\n*/` },
  });
  return outputFiles[0]?.text ?? "";
}

/** Writes one module per entry point, and the modules that they share, for Node: it loads few files faster. */
async function bundle(folder: string): Promise<void> {
  const options = {
    absWorkingDir: folder,
    bundle: true,
    format: "esm",
    sourcemap: true,
    logLevel: "warning",
  } as const;
  await build({
    ...options,
    entryPoints,
    outdir: join(folder, "node"),
    chunkNames: "shared-[hash]",
    splitting: true,
    platform: "node",
    target: "node20",
    packages: "external",
    legalComments: "inline",
    plugins: [required],
  });
  // `neutral` keeps `process.env.NODE_ENV` for the bundler of the application.
  await build({
    ...options,
    entryPoints: selfContained,
    outdir: join(folder, "node"),
    platform: "neutral",
    target: "es2022",
  });
  await build({
    ...options,
    entryPoints: { "client-react": "client/react/index.js" },
    outdir: join(folder, "node"),
    platform: "neutral",
    target: "es2022",
    packages: "external",
    plugins: [oneClient],
  });
}

/** The hooks import the module of the client, so that an application has one. */
const oneClient: Plugin = {
  name: "one-client",
  setup({ onResolve }) {
    onResolve({ filter: /^\.\.\/index\.js$/ }, () => ({ path: "./client.js", external: true }));
  },
};

const required: Plugin = {
  name: "required",
  setup({ onResolve, onLoad }) {
    const filter = new RegExp(`^(?:${commonJs.join("|")})$`);
    onResolve({ filter }, ({ path, kind }) =>
      kind === "import-statement" ? { path, namespace: "required", sideEffects: false } : undefined,
    );
    onLoad({ filter, namespace: "required" }, ({ path }) => {
      const names = Object.keys(require(path) as object).filter((name) => !/^default$|\W|^__/.test(name));
      return {
        contents: `import { createRequire } from "node:module";
          export const { ${names.join(", ")} } = createRequire(import.meta.url)("${path}");`,
      };
    });
  },
};

const folder = resolve(process.argv[2] ?? join(root, "dist"));
compile(folder);
hidePrivateMembers(folder);
await fillIn(folder);
await bundle(folder);
