import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { bundled } from "../support/bundled.ts";
import { startProcess } from "../support/child-process.ts";
import { Client } from "../support/client.ts";
import { redisUrl } from "../support/redis.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

describe("the server in docs/guides/deploy.md", () => {
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(root, ".tmp-docs-"));
  });
  after(() => rm(folder, { recursive: true }));

  it("says when it listens and that it is well, serves, and closes on a signal", async () => {
    const page = await readFile(join(root, "docs/guides/deploy.md"), "utf8");
    const [, code = ""] = /```ts\n(\/\/ server\.ts\n.*?)```/s.exec(page) ?? [];
    const file = join(folder, "server.ts");
    await writeFile(file, code);
    let port: string | undefined;
    const isReady = (line: string) => {
      port = /^listening on (\d+)$/.exec(line)?.[1];
      return port !== undefined;
    };
    const env = { ...process.env, PORT: "0", REDIS_URL: redisUrl() };
    const server = await startProcess(process.execPath, [await bundled(file)], isReady, env);
    const url = `http://localhost:${port}`;
    for (const path of ["/livez", "/readyz"]) {
      const health = await fetch(url + path);
      expect([health.status, await health.text()]).to.deep.equal([200, "ok\n"]);
    }
    expect((await fetch(`${url}/ws/echo`)).status).to.equal(426);
    expect((await fetch(`${url}/elsewhere`)).status).to.equal(404);
    const client = await Client.open(`${url}/ws/echo`);
    client.send("hello");
    expect(await client.next()).to.equal("hello");
    process.kill(server.pid, "SIGTERM");
    expect(await client.closed).to.deep.equal({ code: 1012, reason: "The server is restarting" });
    expect(await server.exited).to.deep.equal([0, null]);
  });
});
