import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { expect } from "chai";
import { run } from "../support/child-process.ts";

const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
const tool = fileURLToPath(new URL("../../tools/release.ts", import.meta.url));

/** The package of a repository: its build copies the source. */
const manifest = {
  name: "greenroom",
  version: "1.2.3",
  type: "module",
  exports: { ".": { "greenroom-source": "./index.ts", default: "./dist/index.js" } },
  files: ["dist", "CHANGELOG.md"],
  scripts: {
    lint: "node check.js",
    types: "node check.js",
    test: "node check.js",
    "test:redis": "node check.js",
    "test:docs": "node check.js",
    "test:api-docs": "node check.js",
    "test:package": "node check.js",
    "test:release": "node check.js",
    "test:examples": "node check.js",
    prepack: "node build.js",
  },
};

const files: Readonly<Record<string, string>> = {
  ".gitignore": "dist\n*.tgz\n*.log\n",
  "package.json": `${JSON.stringify(manifest, null, 2)}\n`,
  "package-lock.json": JSON.stringify({
    name: "greenroom",
    version: "1.2.3",
    lockfileVersion: 3,
    packages: { "": { name: "greenroom", version: "1.2.3" } },
  }),
  "check.js": `import { appendFileSync } from "node:fs";\nappendFileSync("checks.log", process.env.npm_lifecycle_event + "\\n");\n`,
  "build.js": `import { cpSync } from "node:fs";\nconsole.log("building");\ncpSync("index.ts", "dist/index.js");\n`,
  "index.ts": "export {};\n",
  "README.md": "# Greenroom\n",
  LICENSE: "MIT\n",
  "guide.md": "Install `greenroom-1.2.3.tgz`.\n",
  "CHANGELOG.md":
    "# Changelog\n\n## Unreleased\n\n### Fixed\n\n- A fix.\n\n## 1.2.3 - 2026-01-31\n\n- Old.\n",
};

describe("npm run release", function () {
  // Each spec starts npm several times.
  this.timeout(300_000);
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "greenroom-release-"));
    git("init", "--quiet", "--initial-branch", "main");
    git("config", "user.name", "Ada");
    git("config", "user.email", "ada@example.org");
    commit(files);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function git(...args: readonly string[]): string {
    return execFileSync("git", args, { cwd: folder, encoding: "utf8" }).trim();
  }

  function write(name: string, text: string): void {
    writeFileSync(join(folder, name), text);
  }

  function commit(changes: Readonly<Record<string, string>>): void {
    for (const [name, text] of Object.entries(changes)) write(name, text);
    git("add", ".");
    git("commit", "--quiet", "--message", "a change");
  }

  const read = (name: string) => readFileSync(join(folder, name), "utf8");

  async function release(...args: readonly string[]): Promise<string> {
    const { stdout } = await run(process.execPath, [`--import=${tsx}`, tool, ...args], { cwd: folder });
    return stdout;
  }

  /** The message of a release that must fail, and must leave the repository as it is. */
  async function refusal(...args: readonly string[]): Promise<string> {
    const state = () => [git("rev-parse", "HEAD"), git("status", "--porcelain"), git("tag")];
    const before = state();
    const failure = await release(...args).then(
      () => undefined,
      (error: { readonly code: number; readonly stderr: string }) => error,
    );
    expect(state()).to.deep.equal(before);
    expect(failure?.code).to.equal(1);
    expect(failure?.stderr).not.to.match(/^ +at /m);
    return failure?.stderr ?? "";
  }

  it("checks, sets the version everywhere, commits, tags, packs, and prints the command that publishes", async () => {
    const today = () => new Date().toISOString().slice(0, 10);
    const before = today();
    const said = await release("minor");
    const days = [before, today()];
    expect(read("checks.log").split("\n")).to.deep.equal([
      "lint",
      "types",
      "test",
      "test:redis",
      "test:docs",
      "test:api-docs",
      "test:package",
      "test:release",
      "test:examples",
      "",
    ]);
    expect(JSON.parse(read("package.json")).version).to.equal("1.3.0");
    const lock = JSON.parse(read("package-lock.json"));
    expect([lock.version, lock.packages[""].version]).to.deep.equal(["1.3.0", "1.3.0"]);
    expect(read("guide.md")).to.equal("Install `greenroom-1.3.0.tgz`.\n");
    const changelog = read("CHANGELOG.md");
    const day = days.find((day) => changelog.includes(day));
    expect(changelog).to.contain(`## Unreleased\n\n## 1.3.0 - ${day}\n\n### Fixed\n\n- A fix.\n\n## 1.2.3`);
    expect(git("status", "--porcelain")).to.equal("");
    expect(git("log", "-1", "--format=%s")).to.equal("release: 1.3.0");
    expect(git("rev-parse", "v1.3.0^{commit}")).to.equal(git("rev-parse", "HEAD"));
    expect(existsSync(join(folder, "greenroom-1.3.0.tgz"))).to.equal(true);
    expect(said).to.contain("npm publish ./greenroom-1.3.0.tgz --tag latest --provenance --access public");
    expect(said).to.contain('the property "repository" in package.json, which is missing');
  });

  it("refuses a wrong version, and explains its arguments", async () => {
    expect(await refusal("big")).to.contain('"big" is not patch, minor, major or a version');
    expect(await refusal("1.2.2")).to.contain("1.2.2 is older than the present 1.2.3");
    expect(await refusal()).to.contain("Usage: npm run release -- <patch|minor|major|x.y.z> [--dry-run]");
    expect(await refusal("minor", "--fast"))
      .to.contain("'--fast'")
      .and.contain("Usage:");
  });

  it("refuses changes that are not committed, another branch, and a tag that exists", async () => {
    write("new.txt", "");
    expect(await refusal("minor")).to.contain("Commit or remove these changes first:\n?? new.txt");
    rmSync(join(folder, "new.txt"));
    git("tag", "v1.3.0");
    expect(await refusal("minor")).to.contain("The tag v1.3.0 exists already.");
    git("switch", "--quiet", "--create", "work");
    expect(await refusal("patch")).to.contain("The branch is work: release from main.");
  });

  it("refuses a changelog without changes", async () => {
    commit({ "CHANGELOG.md": "# Changelog\n\n## Unreleased\n\n### Fixed\n\n## 1.2.3\n\n- Old.\n" });
    expect(await refusal("minor")).to.contain("The section Unreleased of CHANGELOG.md is empty.");
    commit({ "CHANGELOG.md": "# Changelog\n\n## 1.2.3\n\n- Old.\n" });
    expect(await refusal("minor")).to.contain("CHANGELOG.md has no section Unreleased.");
  });

  it("changes nothing if a check fails, or if the tarball is wrong", async () => {
    commit({ "check.js": `process.exit(process.env.npm_lifecycle_event === "types" ? 1 : 0);\n` });
    expect(await refusal("minor")).to.contain("npm run types failed");
    commit({ "check.js": "", "build.js": "" });
    expect(await refusal("minor")).to.contain("The tarball lacks dist/index.js.");
  });

  // The release committed them; after a failure, it removed them.
  it("refuses changes that are made while the checks run, and keeps them", async () => {
    commit({ "check.js": `import { writeFileSync } from "node:fs";\nwriteFileSync("guide.md", "new");\n` });
    const { stderr } = await release("minor").then(
      () => expect.fail("It succeeded"),
      (error: { readonly stderr: string }) => error,
    );
    expect(stderr).to.contain("Commit or remove these changes first:\nM guide.md");
    expect([read("guide.md"), git("tag")]).to.deep.equal(["new", ""]);
  });

  describe("with --dry-run", () => {
    it("changes nothing, runs no checks, and says what it would do", async () => {
      const before = git("rev-parse", "HEAD");
      const said = await release("major", "--dry-run");
      expect(said).to.contain("is complete: 5 files").and.contain("would commit and tag v2.0.0");
      expect(said).not.to.contain("would stop here");
      expect([git("rev-parse", "HEAD"), git("status", "--porcelain"), git("tag")]).to.deep.equal([
        before,
        "",
        "",
      ]);
      expect([existsSync(join(folder, "checks.log")), read("package.json")]).to.deep.equal([
        false,
        files["package.json"],
      ]);
    });

    it("names the reason at which a release would stop", async () => {
      write("new.txt", "");
      expect(await release("minor", "--dry-run")).to.contain(
        "A release would stop here: Commit or remove these changes first:\n?? new.txt",
      );
    });

    it("fails if the tarball lacks a file, or has a foreign one", async () => {
      commit({ "build.js": "" });
      expect(await refusal("minor", "--dry-run")).to.contain("The tarball lacks dist/index.js.");
      commit({ "build.js": `${files["build.js"]}cpSync("check.js", "dist/.env");\n` });
      expect(await refusal("minor", "--dry-run")).to.contain("The tarball must not contain dist/.env.");
    });
  });
});
