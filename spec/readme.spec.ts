import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { startProcess } from "./support/child-process.ts";
import { Client } from "./support/client.ts";
import { freePort } from "./support/free-port.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

describe("the room chat of the README", () => {
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(root, ".tmp-readme-"));
  });
  after(() => rm(folder, { recursive: true }));

  it("runs unchanged: a bot joins from code, and two clients chat", async () => {
    const readme = await readFile(join(root, "README.md"), "utf8");
    const [chat, , bot] = [...readme.matchAll(/```ts\n(.*?)```/gs)].map(([, code]) => code);
    const port = await freePort();
    const file = join(folder, "chat.mts");
    await writeFile(
      file,
      `${chat?.replace("8080", `${port}`)}${bot}console.log(bot.machine.getSnapshot().matches("joined"));\n`,
    );
    const flags = ["--import=tsx", "--conditions=greenroom-source", file];
    const server = await startProcess(process.execPath, flags, (line) => line === "true");
    const url = `http://localhost:${port}/ws/room/general`;
    const [one, two] = [await Client.open(url), await Client.open(url)];
    one.send("hello");
    expect(await two.next()).to.equal("💬 hello");
    process.kill(server.pid);
    await server.exited;
  });
});
