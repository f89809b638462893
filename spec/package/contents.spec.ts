import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { expect } from "chai";
import { run } from "../support/child-process.ts";
import { builtPackage, projectWithPackage } from "../support/installed-package.ts";

describe("The package", function () {
  // The package has to be built first.
  this.timeout(180_000);
  let folder: string;
  let files: readonly string[];

  before(async () => {
    folder = await builtPackage();
    files = readdirSync(folder, { encoding: "utf8", recursive: true });
  });

  it("has a file for each condition of each entry point, and for each command", () => {
    const { exports, bin } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const targets = Object.values(exports as Record<string, string | Record<string, string>>).flatMap(
      (target) => (typeof target === "string" ? [target] : Object.values(target)),
    );
    const installed = [...targets, ...Object.values(bin as Record<string, string>)].filter(
      (target) => !target.endsWith(".ts") || target.endsWith(".d.ts"),
    );
    expect(installed).to.have.length(38);
    expect(installed.filter((target) => !existsSync(join(folder, target)))).to.deep.equal([]);
  });

  it("has the same exports in both forms of each entry point", async () => {
    const { exports } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const packages = ["ioredis", "prom-client", "react", "vitest", "@opentelemetry/api"];
    const { folder: project } = await projectWithPackage(...packages);
    const installed = join(project, "node_modules/greenroom");
    for (const name of [
      ".",
      "./redis",
      "./contract",
      "./client",
      "./client/react",
      "./testing",
      "./visualise",
      "./inspector",
      "./asyncapi",
      "./metrics",
      "./tracing",
      "./vite",
    ]) {
      const load = (condition: string) =>
        import(pathToFileURL(join(installed, exports[name][condition])).href);
      const forNode = Object.keys(await load("default"));
      expect(forNode, name).to.deep.equal(Object.keys(await load("module")));
      expect(forNode, name).not.to.deep.equal([]);
    }
  });

  // vitest resolves the imports of tests on its own, and leaves those of other packages to Node.
  it("is one copy in vitest, for tests and for packages that import it", async () => {
    const project = await projectWithPackage("vitest");
    const other = join(project.folder, "node_modules/other");
    mkdirSync(other);
    writeFileSync(
      join(other, "package.json"),
      `{ "name": "other", "type": "module", "exports": "./index.js" }`,
    );
    writeFileSync(join(other, "index.js"), `export { GreenroomError } from "greenroom";`);
    project.write(
      "copies.test.js",
      `import { expect, test } from "vitest";
      import { GreenroomError } from "greenroom";
      import * as other from "other";
      test("one copy", () => expect(other.GreenroomError).toBe(GreenroomError));`,
    );
    const vitest = join(project.folder, "node_modules/vitest/vitest.mjs");
    const { stdout } = await run(process.execPath, [vitest, "run"], { cwd: project.folder });
    expect(stdout).to.contain("1 passed");
  });

  it("has no files of tests, except those of greenroom/testing", async () => {
    const { stdout } = await run("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], { cwd: folder });
    const [{ files }] = JSON.parse(stdout);
    const paths = (files as { readonly path: string }[]).map(({ path }) => path);
    expect(paths).to.include.members(["CHANGELOG.md", "dist/index.js", "dist/node/index.js"]);
    const unexpected =
      /(?:^|\/)(?:spec|bench|demo|tools|tests?|support)\/|\.(?:spec|fault|slow)\.|\.ts$(?<!\.d\.ts)/;
    expect(paths.filter((path) => unexpected.test(path))).to.deep.equal([]);
    // Within the texts of a template, quotes are escaped.
    const imported = paths.filter((path) =>
      /(?:from|import|require)[ (]*"(?:mocha|vitest|chai)/.test(readFileSync(join(folder, path), "utf8")),
    );
    expect(imported.filter((path) => path.endsWith(".js") && !/testing/.test(path))).to.deep.equal([]);
  });

  it("has a source map with the source for each module that the compiler or the bundler writes", () => {
    const generated = ["version.js", "page-content.js", "template.js", "msgpackr.js"];
    const scripts = files.filter((file) => file.endsWith(".js") && !generated.includes(basename(file)));
    expect(scripts.length).to.be.greaterThan(200);
    const unmapped = scripts.filter((file) => {
      const text = readFileSync(join(folder, file), "utf8");
      const [, name = ""] = /^\/\/# sourceMappingURL=(\S+)\s*$/m.exec(text.slice(-200)) ?? [];
      const path = resolve(join(folder, dirname(file)), name);
      if (name === "" || !existsSync(path)) return true;
      const { sources, sourcesContent } = JSON.parse(readFileSync(path, "utf8"));
      return sources.length !== sourcesContent?.length || sourcesContent.includes(null);
    });
    expect(unmapped).to.deep.equal([]);
  });

  it("contains msgpackr with its license, and depends on no package with an install script", () => {
    const text = readFileSync(join(folder, "dist/layers/wire/msgpackr.js"), "utf8");
    expect(text)
      .to.match(/^\/\*!\nmsgpackr 2\.\S+\n\nMIT License/)
      .and.not.match(/^import /m);
    const { dependencies } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    expect(Object.keys(dependencies)).to.deep.equal([
      "@standard-schema/spec",
      "cookie",
      "path-to-regexp",
      "proxy-addr",
      "ws",
      "xstate",
    ]);
  });
});
