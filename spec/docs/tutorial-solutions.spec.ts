import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { run } from "../support/child-process.ts";
import { codeBlocks } from "../support/code-blocks.ts";
import { freePort } from "../support/free-port.ts";
import { Newcomer } from "../support/newcomer.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { pages, tutorial, writeSteps } from "../support/tutorial.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** The sections of a page, by their headings. */
const sectionsOf = (page: string): Map<string, string> =>
  new Map(
    page
      .split(/^## /m)
      .slice(1)
      .map((section) => [section.slice(0, section.indexOf("\n")), section]),
  );

const exercisesIn = (page: string): number => {
  const list = /^## Exercises\n\n(.*?)\n\n\[Solutions\]/ms.exec(page)?.[1] ?? "";
  return list.match(/^\d\. /gm)?.length ?? 0;
};

// Each solution is applied to the files of its step, and its section is followed as a reader does.
describe("the solutions of the tutorial's exercises", function () {
  this.timeout(300_000); // the compiler
  const solutions = new Map<string, Map<string, string>>();
  let folder: string;
  let redis: RedisServer;
  let newcomer: Newcomer | undefined;

  before(async () => {
    folder = await mkdtemp(join(root, ".tmp-solutions-"));
    await writeSteps(folder);
    for (const page of pages) {
      const sections = sectionsOf(await readFile(join(tutorial, "solutions", page), "utf8"));
      solutions.set(page, sections);
      for (const [heading, section] of sections) {
        const copy = folderOf(page, heading);
        await cp(join(folder, page), copy, { recursive: true });
        for (const { file, code } of codeBlocks(section)) {
          if (file !== undefined) await writeFile(join(copy, file), code);
        }
      }
    }
    redis = await startRedisServer();
  });
  afterEach(() => newcomer?.leave());
  after(async () => {
    await redis?.stop();
    await rm(folder, { recursive: true });
  });

  const folderOf = (page: string, heading: string) => join(folder, `${page}-${heading.slice(0, 1)}`);

  it("are as many as the exercises, two or three for each step", async () => {
    for (const page of pages) {
      const exercises = exercisesIn(await readFile(join(tutorial, page), "utf8"));
      expect(exercises, page).to.be.within(2, 3);
      const numbers = [...(solutions.get(page)?.keys() ?? [])].map((heading) => heading.slice(0, 3));
      expect(numbers, page).to.deep.equal(["1. ", "2. ", "3. "].slice(0, exercises));
    }
  });

  it("are what the compiler takes", async () => {
    await writeFile(
      join(folder, "tsconfig.json"),
      JSON.stringify({ extends: "../tsconfig.json", include: ["*/*.ts"] }),
    );
    const tsc = join(root, "node_modules/.bin/tsc");
    const { stdout } = await run(tsc, ["-p", folder, "--pretty", "false"], { cwd: root }).catch(
      (failure) => failure,
    );
    expect(stdout).to.equal("");
  });

  for (const page of pages) {
    it(`do what they show, those of ${page}`, async () => {
      for (const [heading, section] of solutions.get(page) ?? []) {
        const port = String(await freePort());
        const node = `'${process.execPath}' --import=tsx --conditions=greenroom-source`;
        newcomer = new Newcomer(folderOf(page, heading), {
          "npx tsx server.ts": `PORT=${port} exec ${node} server.ts`,
          "npx tsx": node,
          "localhost:6399": `${redis.host}:${redis.port}`,
          "8080": port,
        });
        await newcomer.follow(section);
        await newcomer.leave();
      }
    });
  }
});
