import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { until } from "../layers/support/until.ts";
import { run } from "../support/child-process.ts";
import { Client } from "../support/client.ts";
import { findCompose } from "../support/compose.ts";
import { NewProject } from "../support/new-project.ts";
import { redisUrl } from "../support/redis.ts";

describe("a project of greenroom init", function () {
  // The package has to be built first.
  this.timeout(240_000);
  let projects: Record<"node" | "mocha" | "vitest", NewProject>;
  let chat: NewProject;

  before(async () => {
    projects = await NewProject.write("node", "mocha", "vitest");
    chat = projects.node;
  });

  const outcomes = { node: /^# pass 2$/m, mocha: /\b2 passing\b/, vitest: /\b2 passed\b/ };
  for (const runner of ["node", "mocha", "vitest"] as const) {
    it(`passes its tests with ${runner}, and compiles`, async () => {
      expect(await projects[runner].script("test")).to.match(outcomes[runner]);
      await projects[runner].script("types");
    });
  }

  it("serves the page and its sockets, shares rooms over Redis, and ends on SIGTERM", async () => {
    await chat.script("build");
    const env = { REDIS_URL: redisUrl(), DRAIN_MS: "0" };
    const servers = await Promise.all([1, 2].map(() => chat.start(["dist/server.js"], env)));
    const [one, two] = servers as [(typeof servers)[0], (typeof servers)[0]];
    const answers = ["/", "/?room=tea", "/page.js", "/page.css", "/livez", "/readyz", "/elsewhere"].map(
      async (path) => {
        const { status, headers } = await fetch(one.url + path);
        return [path, status, headers.get("content-type")?.split(";")[0]];
      },
    );
    expect(await Promise.all(answers)).to.deep.equal([
      ["/", 200, "text/html"],
      ["/?room=tea", 200, "text/html"],
      ["/page.js", 200, "text/javascript"],
      ["/page.css", 200, "text/css"],
      ["/livez", 200, undefined],
      ["/readyz", 200, undefined],
      ["/elsewhere", 404, undefined],
    ]);
    expect((await fetch(`${one.url}/ws/room/lobby`)).status).to.equal(426);

    const ada = await Client.open(`${one.url}/ws/room/lobby`);
    const bob = await Client.open(`${two.url}/ws/room/lobby`);
    const said = { type: "said", name: "Ada", text: "Hello!" };
    ada.send(JSON.stringify({ type: "rename", name: "Ada" }));
    for (const member of [ada, bob]) {
      ada.send(JSON.stringify({ type: "say", text: "Hello!" }));
      expect(JSON.parse(String(await member.next()))).to.deep.equal(said);
    }
    for (const { pid } of servers) process.kill(pid, "SIGTERM");
    expect(await ada.closed).to.have.property("code", 1012);
    for (const { exited } of servers) expect(await exited).to.deep.equal([0, null]);
  });

  it("builds the page again, and runs the server again, after changes", async () => {
    const urls: string[] = [];
    const note = (line: string) => {
      const [, url] = /^Open (http:\S+)$/.exec(line) ?? [];
      if (url !== undefined) urls.push(url);
    };
    const dev = await projects.mocha.start(["--watch", "--import=tsx", "scripts/dev.ts"], {}, note);
    const change = async (name: string, from: string, to: string) => {
      const file = join(projects.mocha.folder, name);
      await writeFile(file, (await readFile(file, "utf8")).replaceAll(from, to));
    };
    const page = async () => (await fetch(`${urls.at(-1)}/page.js`)).text();
    await change("page/page.ts", "may be missing", "may have got lost");
    await until(async () => (await page()).includes("may have got lost"));
    expect(urls).to.have.length(1);
    const ada = await Client.open(`${urls[0]}/ws/room/lobby`);
    await change("room.ts", "Someone", "A guest");
    expect(await ada.closed).to.have.property("code", 1012);
    await until(() => urls.length === 2);
    const bob = await Client.open(`${urls[1]}/ws/room/lobby`);
    bob.send('{"type":"say","text":"hi"}');
    expect(JSON.parse(String(await bob.next()))).to.have.property("name", "A guest");
    process.kill(dev.pid, "SIGINT");
    expect(await dev.exited).to.deep.equal([0, null]);
  });

  it("has a Dockerfile whose files exist, and whose server is not root", async () => {
    const text = await readFile(join(chat.folder, "Dockerfile"), "utf8");
    const copied = text.match(/^COPY (?!--from)(.+) \S+$/gm)?.flatMap((line) => line.split(" ").slice(1, -1));
    expect(copied).to.deep.equal(["package.json", "package-lock.json", "."]);
    expect(text.lastIndexOf("USER node")).to.be.greaterThan(text.lastIndexOf("FROM "));
    const [, probe = ""] = /"-e", "(fetch.+)"\]$/m.exec(text) ?? [];
    const [, main = ""] = /^CMD \["node", "(.+)"\]$/m.exec(text) ?? [];
    expect(existsSync(join(chat.folder, main))).to.equal(true);
    const server = await chat.start([main], {});
    const healthy = (url: string) =>
      run(process.execPath, ["-e", probe], { env: { ...process.env, PORT: new URL(url).port } });
    await healthy(server.url);
    process.kill(server.pid, "SIGTERM");
    await server.exited;
    const outcome = await healthy(server.url).catch(({ code }) => code);
    expect(outcome).to.equal(1);
  });

  it("has a compose file with a server and a Redis that keeps its data", async function () {
    const compose = await findCompose();
    if (compose === undefined) return this.skip(); // Debian: apt-get install docker-compose
    const [command, ...args] = compose;
    const { stdout } = await run(command, [...args, "config"], { cwd: chat.folder });
    expect(stdout.match(/^ {2}(?:redis|server):$/gm)).to.include.members(["  redis:", "  server:"]);
    expect(stdout)
      .to.match(/--appendonly/)
      .and.contain("redis://redis:6379")
      .and.contain(":/data");
  });
});
