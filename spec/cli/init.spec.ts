import { existsSync, readdirSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import type { Failure } from "../../cli/failure.ts";
import { init } from "../../cli/init/init.ts";

/** The failure of the command. */
async function failureOf(...args: string[]): Promise<Failure> {
  return init(args).then(
    (said) => expect.fail(`It succeeded: ${said}`),
    (failure) => failure,
  );
}

describe("greenroom init", () => {
  let folder: string;
  const at = (name: string) => join(folder, name);
  const names = (name: string) => readdirSync(at(name), { encoding: "utf8", recursive: true });

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "greenroom-init-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it("writes a project into a folder that it creates, and prints its tree and the next commands", async () => {
    const said = await init([at("deep/Our Chat")]);
    expect(names("deep/Our Chat")).to.include.members([".gitignore", ".dockerignore", "server.ts"]);
    const present = names("deep/Our Chat");
    expect(said).to.match(/^Wrote the project our-chat:\n\n {2}\.dockerignore\n/);
    expect(said).to.contain("\n  page/\n    index.html\n    page.css\n    page.ts\n  room.test.ts\n");
    const shown = said.split("\nNext:")[0]?.match(/^ {2,}\S+$/gm);
    expect(shown).to.have.length(present.length);
    expect(said).to.contain(`\nNext:\n\n  cd "${at("deep/Our Chat")}"\n  npm install\n`);
  });

  it("names the project in all files, and depends on this version of Greenroom", async () => {
    await init([at("chat"), "--name=tea-room"]);
    const read = (file: string) => readFile(join(at("chat"), file), "utf8");
    const { version } = JSON.parse(await readFile(new URL("../../package.json", import.meta.url), "utf8"));
    const { name, dependencies, devDependencies } = JSON.parse(await read("package.json"));
    expect([name, dependencies.greenroom]).to.deep.equal(["tea-room", `^${version}`]);
    const ranges = Object.values({ ...dependencies, ...devDependencies });
    expect(ranges.filter((range) => !/^\^\d/.test(String(range)))).to.deep.equal([]);
    expect(await read("server.ts")).to.contain('prefix: "tea-room"');
    const files = names("chat").filter((file) => /\.\w+$/.test(file));
    for (const file of files) expect(await read(file), file).not.to.contain("my-greenroom-app");
  });

  it("refuses a folder with files, and leaves it as it is", async () => {
    await writeFile(at("server.ts"), "mine");
    const { message, exitCode } = await failureOf(folder);
    expect(exitCode).to.equal(1);
    expect(message).to.contain("has files: server.ts.").and.contain("--force");
    expect(names(".")).to.deep.equal(["server.ts"]);
    expect(await readFile(at("server.ts"), "utf8")).to.equal("mine");
  });

  it("writes next to a repository of Git, and replaces files only with --force", async () => {
    await mkdir(at("fresh/.git"), { recursive: true });
    await init([at("fresh")]);
    await writeFile(at("fresh/server.ts"), "mine");
    await writeFile(at("fresh/notes.txt"), "mine");
    await init([at("fresh"), "--force"]);
    expect(await readFile(at("fresh/server.ts"), "utf8")).to.contain("createServer");
    expect(await readFile(at("fresh/notes.txt"), "utf8")).to.equal("mine");
  });

  it("refuses names that npm refuses, and names of the project's packages", async () => {
    for (const name of ["Chat", "", "a/b", ".chat", "greenroom", "zod", "tsx"]) {
      const { message, exitCode } = await failureOf(at("chat"), `--name=${name}`);
      expect(exitCode, name).to.equal(2);
      expect(message, name).to.match(/name/);
    }
    expect((await failureOf(at("…"))).message).to.contain("pass --name");
    expect((await failureOf(at("vitest"), "--test=vitest")).message).to.contain("pass --name");
    expect(readdirSync(folder)).to.deep.equal([]);
    await init([at("vitest"), "--test=mocha"]);
  });

  it("explains invalid arguments with exit code 2", async () => {
    const cases = [
      [["--test=ava"], 'Unknown test runner "ava": use node, mocha, vitest.'],
      // The name is invalid, so that a failure of this spec writes no files.
      [["", "--name=/"], "The folder has no name."],
      [["one", "two"], "Pass one folder, not 2."],
      [["--forse"], "Try greenroom init --help."],
    ] as const;
    for (const [args, text] of cases) {
      const { message, exitCode } = await failureOf(...args);
      expect(exitCode).to.equal(2);
      expect(message).to.contain(text);
    }
    expect(existsSync("one")).to.equal(false);
  });

  it("explains a path that is not a folder", async () => {
    await writeFile(at("file"), "");
    for (const path of [at("file"), at("file/chat")]) {
      const { message, exitCode } = await failureOf(path);
      expect(exitCode).to.equal(1);
      expect(message).to.match(/could not be (?:read|created)/);
    }
  });

  it("prints its options", async () => {
    expect(await init(["--help"])).to.match(/^Usage: greenroom init \[FOLDER\]/);
  });
});
