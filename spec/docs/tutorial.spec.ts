import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "../support/child-process.ts";
import { freePort } from "../support/free-port.ts";
import { Newcomer } from "../support/newcomer.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const pages = fileURLToPath(new URL("../../docs/tutorial", import.meta.url));

describe("the tutorial, followed by a newcomer in an empty folder, with the packed package", function () {
  this.timeout(60_000); // npm, the compiler, and a few servers
  let folder: string;
  let redis: RedisServer;
  let newcomer: Newcomer;
  let isStuck = false;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "greenroom-tutorial-"));
    const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", folder], { cwd: root });
    redis = await startRedisServer();
    const packed = join(folder, /greenroom-[\d.]+\.tgz/.exec(stdout)?.[0] ?? "");
    newcomer = new Newcomer(
      folder,
      [
        ["npm install greenroom\n", `npm install ${packed}\n`],
        ["localhost:6399", `${redis.host}:${redis.port}`],
        ["8080", String(await freePort())],
        ["8081", String(await freePort())],
      ],
      ["Redis"],
    );
  });
  beforeEach(function () {
    if (isStuck) this.skip(); // what a page does is missing in the next
  });
  afterEach(function () {
    isStuck ||= this.currentTest?.state === "failed";
  });
  after(async () => {
    await newcomer?.leave();
    await redis?.stop();
    await rm(folder, { recursive: true });
  });

  for (const page of ["1-preparation", "2-system-messages", "3-room-chat", "4-background-jobs", "5-showcase", "6-customisations"]) {
    it(`does what ${page}.md says, and sees it`, async () => {
      await newcomer.follow(await readFile(join(pages, `${page}.md`), "utf8"));
    });
  }
});
