import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { run } from "./support/child-process.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const biome = join(root, "node_modules/.bin/biome");

/** What the linter says, under the project's own rules, about a project made of these files. */
async function lint(files: Readonly<Record<string, string>>): Promise<string> {
  const project = await mkdtemp(join(tmpdir(), "greenroom-rules-"));
  try {
    await cp(join(root, "biome.json"), join(project, "biome.json"));
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(project, path)), { recursive: true });
      await writeFile(join(project, path), text);
    }
    const options = ["lint", "--vcs-enabled=false", "--error-on-warnings", "--colors=off", "."];
    const { stdout, stderr } = await run(biome, options, { cwd: project }).catch((failure) => failure);
    return stdout + stderr;
  } finally {
    await rm(project, { recursive: true });
  }
}

describe("the rules for imports", () => {
  const forbidden: Readonly<Record<string, string>> = {
    "layers/delivery/group.ts": 'export { a } from "../../runtime/a.ts";\n',
    "layers/names.ts": 'export { a } from "../runtime/a.ts";\n',
    "layers/roster.ts": 'export { a } from "../actors/a.ts";\n',
    "layers/index.ts": 'export { a } from "./redis/a.ts";\n',
    "layers/memory-bus.ts": 'export { Redis } from "ioredis";\n',
    "actors/consumer.ts": 'export { a } from "../runtime/a.ts";\n',
    "actors/socket.ts": 'export { WebSocket } from "ws";\n',
    "diagrams/dot.ts": 'export { a } from "../actors/consumer.ts";\n',
    "diagrams/svg.ts": 'export { a } from "../layers/backend.ts";\n',
    "cli/main.ts": 'export { a } from "../runtime/a.ts";\n',
    "runtime/redis.ts": 'export { Redis } from "ioredis";\n',
    "runtime/backend.ts": 'export { a } from "../layers/redis/a.ts";\n',
    "runtime/memory.ts": 'export { a } from "../layers/memory/memory-layer.ts";\n',
    "runtime/page.ts": 'export { a } from "../demo/a.ts";\n',
    "demo/consumers/room.ts": 'export { a } from "../../runtime/a.ts";\n',
    "demo/layers.ts": 'export { a } from "../index.ts";\n',
  };

  it("find each import that crosses the house the wrong way", async () => {
    const said = await lint(forbidden);
    for (const path of Object.keys(forbidden)) expect(said).to.contain(`${path}:1:`);
  });

  it("find a cycle, also one of types", async () => {
    const said = await lint({
      "runtime/one.ts": 'import type { Two } from "./two.ts";\nexport type One = Two;\n',
      "runtime/two.ts": 'import type { One } from "./one.ts";\nexport type Two = One;\n',
    });
    expect(said).to.contain("noImportCycles");
  });

  it("say nothing about imports that go the right way", async () => {
    const said = await lint({
      "layers/backend.ts": "export interface Backend {\n  close(): void;\n}\n",
      "actors/consumer.ts": 'export type { Backend } from "../layers/backend.ts";\n',
      "runtime/connection.ts": 'export type { Backend } from "../actors/consumer.ts";\n',
      "cli/visualise.ts": 'export type { Backend } from "../actors/consumer.ts";\n',
      "demo/server.ts": 'export { createRuntime } from "greenroom";\n',
    });
    expect(said).not.to.contain(":1:");
  });
});

describe("the entry point greenroom", () => {
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
