import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { bundled } from "./support/bundled.ts";
import { startProcess } from "./support/child-process.ts";
import { Client } from "./support/client.ts";
import { codeBlocks } from "./support/code-blocks.ts";
import { freePort } from "./support/free-port.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

describe("README.md", () => {
  let folder: string;
  let readme: string;

  before(async () => {
    folder = await mkdtemp(join(root, ".tmp-readme-"));
    readme = await readFile(join(root, "README.md"), "utf8");
  });
  after(() => rm(folder, { recursive: true }));

  it("has at most 150 lines", () => {
    expect(readme.trimEnd().split("\n")).to.have.length.at.most(150);
  });

  it("has a room chat that runs unchanged: its client talks with a plain one", async () => {
    const port = await freePort();
    const names: string[] = [];
    for (const { language, code } of codeBlocks(readme)) {
      const [, name] = /^\/\/ (\w+\.ts)/.exec(code) ?? [];
      if (language !== "ts" || name === undefined) continue;
      names.push(name);
      await writeFile(join(folder, name), code.replace("8080", `${port}`));
    }
    expect(names).to.deep.equal(["room.ts", "server.ts", "client.ts"]);
    // The server says nothing, so this program says when it listens.
    await writeFile(join(folder, "main.ts"), 'await import("./server.ts");\nconsole.log("ready");\n');
    const server = await startProcess(
      process.execPath,
      [await bundled(join(folder, "main.ts"))],
      (line) => line === "ready",
    );
    const plain = await Client.open(`http://localhost:${port}/ws/room/tea`);
    const flag = "--experimental-websocket";
    const client = await startProcess(
      process.execPath,
      [flag, await bundled(join(folder, "client.ts"))],
      (line) => line === "💬 hello",
    );
    expect(await plain.next()).to.equal('{"type":"said","text":"💬 hello"}');
    for (const { pid, exited } of [client, server]) {
      process.kill(pid);
      await exited;
    }
  });
});
