import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { run } from "../support/child-process.ts";
import { freePort } from "../support/free-port.ts";
import { Terminal } from "../support/terminal.ts";
import { bidOnLot, chatInRoom, talkInRoom, writeSteps } from "../support/tutorial.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

// `npm run test:docs` follows the pages with the packed package, which takes npm, a browser and a minute.
describe("the files in docs/tutorial", function () {
  this.timeout(180_000); // the compiler
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(root, ".tmp-tutorial-"));
    await writeSteps(folder);
    const config = { extends: "../tsconfig.json", include: ["*/*.ts"] };
    await writeFile(join(folder, "tsconfig.json"), JSON.stringify(config));
  });
  after(() => rm(folder, { recursive: true }));

  it("are what the compiler takes, after each step", async () => {
    const { stdout } = await run(join(root, "node_modules/.bin/tsc"), ["-p", folder, "--pretty", "false"], {
      cwd: root,
    }).catch((failure) => failure);
    expect(stdout).to.equal("");
  });

  it("are a room chat after the third one", () => serving("3-room-chat.md", chatInRoom));

  it("are a room with a contract after the seventh one", () => serving("7-contract.md", talkInRoom));

  it("are an auction after the last one", () => serving("8-named-actors.md", bidOnLot));

  /** Starts the server as it is after a step, and passes its address to `work`. */
  async function serving(page: string, work: (address: string) => Promise<unknown>): Promise<void> {
    const port = await freePort();
    const { REDIS_URL: _url, ...env } = process.env;
    const command = `exec '${process.execPath}' --import=tsx --conditions=greenroom-source server.ts`;
    const server = new Terminal(command, join(folder, page), { ...env, PORT: String(port) });
    try {
      expect(await server.next()).to.equal(`Open http://localhost:${port}`);
      await work(`http://localhost:${port}`);
    } finally {
      await server.end();
    }
  }
});
