import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, posix, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { entryPointsOnly, importRules, mayImport, refuseCycles } from "../tools/import-rules.ts";
import { run } from "./support/child-process.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const biome = join(root, "node_modules/.bin/biome");

/** The linter's report on a project made of `files`, under the project's own rules. */
async function lint(files: Readonly<Record<string, string>>): Promise<string> {
  const project = await mkdtemp(join(tmpdir(), "greenroom-rules-"));
  try {
    for (const file of ["biome.json", "tools/import-rules.json"]) {
      await cp(join(root, file), join(project, file), { recursive: true });
    }
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(project, path)), { recursive: true });
      await writeFile(join(project, path), text);
    }
    const options = [
      "lint",
      "--vcs-enabled=false",
      "--error-on-warnings",
      "--max-diagnostics=none",
      "--colors=off",
      ".",
    ];
    const { stdout, stderr } = await run(biome, options, { cwd: project }).catch((failure) => failure);
    return stdout + stderr;
  } finally {
    await rm(project, { recursive: true });
  }
}

describe("Import rules", function () {
  // Each spec starts the linter, which takes seconds on a busy machine.
  this.timeout(180_000);

  const forbidden: Readonly<Record<string, string>> = {
    "layers/names.ts": "../actors/a.ts",
    "layers/history.ts": "../runtime/a.ts",
    "layers/index.ts": "./redis/a.ts",
    "layers/retry.ts": "ioredis",
    "layers/delivery/group.ts": "../../runtime/a.ts",
    "layers/wire/codec.ts": "ioredis",
    "layers/memory/memory-bus.ts": "ioredis",
    "layers/jobs/job-queues.ts": "../redis/jobs/a.ts",
    "layers/redis/streams/a.ts": "../sharding/a.ts",
    "layers/redis/pubsub/a.ts": "../sharding/a.ts",
    "layers/redis/connection/a.ts": "../pubsub/a.ts",
    "actors/consumer.ts": "../runtime/a.ts",
    "actors/messaging.ts": "../layers/memory/a.ts",
    "actors/socket.ts": "ws",
    "runtime/mailbox/mailbox.ts": "../socket/a.ts",
    "runtime/runtime.ts": "../inspector/a.ts",
    "runtime/limits/limits.ts": "../../diagrams/a.ts",
    "runtime/actor/actor.ts": "../../layers/wire/codec.ts",
    "runtime/cluster/cluster.ts": "../../layers/redis/a.ts",
    "runtime/redis.ts": "ioredis",
    "runtime/codec.ts": "msgpackr",
    "runtime/memory.ts": "../layers/memory/memory-layer.ts",
    "runtime/page.ts": "../demo/a.ts",
    "runtime/self.ts": "greenroom",
    "inspector/activity/ring.ts": "../view/a.ts",
    "inspector/inspector.ts": "../cli/a.ts",
    "diagrams/dot.ts": "../actors/consumer.ts",
    "diagrams/svg.ts": "../layers/backend.ts",
    "diagrams/stately.ts": "node:fs",
    "asyncapi/page.ts": "../inspector/a.ts",
    "cli/main.ts": "../runtime/a.ts",
    "cli/init/template/room.ts": "../../../runtime/a.ts",
    "demo/consumers/room.ts": "../../runtime/a.ts",
    "demo/layers.ts": "../index.ts",
    "demo/redis.ts": "ioredis",
  };

  it("report each import in the wrong direction", async () => {
    const said = await lint(mapValues(forbidden, importing));
    for (const path of Object.keys(forbidden)) expect(said).to.contain(`${path}:1:`);
  });

  it("report each import between two folders that the table does not allow", async () => {
    const plants: Record<string, string> = {};
    for (const [folder, allowed] of Object.entries(mayImport)) {
      for (const other of Object.keys(mayImport)) {
        if (other === folder || allowed.includes(other)) continue;
        const path = relative(folder, other);
        plants[`${folder}/${other.replaceAll("/", "-")}.ts`] = importing(
          `${path.startsWith(".") ? path : `./${path}`}/a.ts`,
        );
      }
    }
    const said = await lint(plants);
    expect(Object.keys(plants).filter((path) => !said.includes(`${path}:1:`))).to.deep.equal([]);
  });

  it("report a cycle, including one of types", async () => {
    const said = await lint({
      "runtime/one.ts": 'import type { Two } from "./two.ts";\nexport type One = Two;\n',
      "runtime/two.ts": 'import type { One } from "./one.ts";\nexport type Two = One;\n',
    });
    expect(said).to.contain("noImportCycles");
  });

  it("accept imports in the right direction", async () => {
    const said = await lint({
      "layers/backend.ts": "export interface Backend {\n  close(): void;\n}\n",
      "actors/consumer.ts": 'export type { Backend } from "../layers/backend.ts";\n',
      "runtime/actor/actor.ts": 'export type { Backend } from "../../actors/consumer.ts";\n',
      "cli/visualise.ts": 'export type { Backend } from "../actors/consumer.ts";\n',
      "demo/server.ts": 'export { createRuntime } from "greenroom";\n',
    });
    expect(said).not.to.contain(":1:");
  });

  it("are up to date in the linter's configuration: npm run import-rules updates it", async () => {
    const written: unknown = JSON.parse(await readFile(join(root, "tools/import-rules.json"), "utf8"));
    expect(written).to.deep.equal(JSON.parse(JSON.stringify(importRules())));
  });

  it("allow no import that no file needs", async () => {
    const needed = new Set<string>();
    for (const folder of Object.keys(mayImport)) {
      for (const file of await readdir(join(root, folder))) {
        if (!/\.tsx?$/.test(file)) continue;
        const text = await readFile(join(root, folder, file), "utf8");
        for (const [, path = ""] of text.matchAll(/\b(?:from|import) ?\(?"(\.[^"]+)"/g)) {
          needed.add(`${folder}: ${posix.dirname(posix.join(folder, path))}`);
        }
      }
    }
    const allowed = Object.entries(mayImport).flatMap(([folder, others]) =>
      others.map((other) => `${folder}: ${other}`),
    );
    expect(allowed.filter((pair) => !needed.has(pair))).to.deep.equal([]);
  });

  it("name exactly the folders of the sources", async () => {
    const found: string[] = [];
    const tops = [
      "actors",
      "asyncapi",
      "cli",
      "client",
      "contract",
      "diagrams",
      "inspector",
      "layers",
      "metrics",
      "named",
      "protocol",
      "runtime",
      "tracing",
      "vite",
    ];
    for (const top of tops) {
      for (const entry of await readdir(join(root, top), { recursive: true, withFileTypes: true })) {
        if (entry.name.endsWith(".ts")) found.push(relative(root, entry.parentPath));
      }
    }
    const isOurs = (folder: string) =>
      entryPointsOnly.every((other) => folder !== other && !folder.startsWith(`${other}/`));
    expect(Object.keys(mayImport).sort()).to.deep.equal([...new Set(found)].filter(isOurs).sort());
  });

  it("reject a table in which sibling folders form a cycle", () => {
    const table = { "a/one": ["a/two"], "a/two": ["a/three"], "a/three": ["a/one/deep"], "a/one/deep": [] };
    expect(() => refuseCycles(table)).to.throw("may import each other");
    expect(() => refuseCycles({ ...table, "a/three": [] })).not.to.throw();
  });
});

function importing(what: string): string {
  return `export { a } from "${what}";\n`;
}

function mapValues<T, U>(record: Readonly<Record<string, T>>, map: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}

describe("The entry point greenroom", () => {
  it("loads neither ioredis nor the demo", async () => {
    const script = `
      import { createRequire } from "node:module";
      await import("greenroom");
      console.log(Object.keys(createRequire(import.meta.url).cache).filter((path) => /ioredis|demo/.test(path)).length);
      await import("greenroom/redis");
      console.log(Object.keys(createRequire(import.meta.url).cache).filter((path) => /ioredis/.test(path)).length > 0);
    `;
    const flags = ["--import=tsx", "--conditions=greenroom-source", "--input-type=module", "--eval", script];
    const { stdout } = await run(process.execPath, flags, { cwd: root });
    expect(stdout.trim().split("\n")).to.deep.equal(["0", "true"]);
  });
});
