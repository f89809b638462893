import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { run } from "../support/child-process.ts";
import { findCompose } from "../support/compose.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

describe("docker-compose.yml", function () {
  this.timeout(30_000);
  let compose: Awaited<ReturnType<typeof findCompose>>;
  before(async function () {
    compose = await findCompose();
    if (compose === undefined) {
      // Debian: apt-get install docker-compose.
      for (const test of this.test?.parent?.tests ?? []) test.title += " (no docker-compose on this machine)";
      this.skip();
    }
  });

  async function config(...args: string[]): Promise<string> {
    const [command = "", ...before] = compose ?? [];
    return (await run(command, [...before, ...args, "config"], { cwd: root })).stdout;
  }
  const services = async (...args: string[]) =>
    (await config(...args, "--profile", "full")).match(/^ {2}\w+(?=:$)/gm)?.map((name) => name.trim());

  it("starts a Redis at the documented address", async () => {
    const text = await config();
    expect(text).to.match(/6399/).and.contain("redis:7-alpine");
  });

  it("defines servers, a worker and a balancer in the profile, from existing files", async () => {
    expect(await services()).to.have.members(["balancer", "one", "redis", "two", "worker"]);
    const text = await config("--profile", "full");
    const [, mounted = ""] = /(\/\S+\/demo\/compose\/haproxy\.cfg)/.exec(text) ?? [];
    expect(await readFile(mounted, "utf8")).to.contain("/healthz");
    for (const [, file = ""] of text.matchAll(/(demo\/\w+\.ts)/g)) await readFile(`${root}/${file}`);
  });
});
