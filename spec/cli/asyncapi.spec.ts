import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { expect } from "chai";
import { parse } from "yaml";
import { run } from "../support/child-process.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const main = join(root, "cli/main.ts");

/** Any object like a contract is found, because the module may use another copy of the package. */
const chat = `
  import { z } from "zod";
  const params = z.object({ room: z.string() });
  const client = { say: z.object({ text: z.string(), on: z.boolean() }) };
  export const chat = { path: "/ws/chat/:room", params, client, server: {} };
  export const other = 1;
  setInterval(() => {}, 1_000);
`;
const lot = `
  import { createMachine } from "xstate";
  import { z } from "zod";
  const machine = createMachine({ initial: "idle", states: { idle: { on: { "frame.bid": {target: "idle"} } } } });
  export class Lot {
    static contract = { path: "/ws/lot", client: { bid: z.object({}) }, server: {} };
    static machine = machine;
  }
`;

describe("greenroom asyncapi", function () {
  // Each case starts a process that compiles the project.
  this.timeout(180_000);
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "greenroom-asyncapi-"));
    await symlink(join(root, "node_modules"), join(folder, "node_modules"));
    await writeFile(join(folder, "chat.mjs"), chat);
    await writeFile(join(folder, "lot.mts"), lot);
    await writeFile(join(folder, "none.mjs"), "export const one = 1;\n");
    const dated =
      'import { z } from "zod";\nexport const x = { path: "/x", client: { at: z.date() }, server: {} };';
    await writeFile(join(folder, "dated.mjs"), dated);
  });
  after(() => rm(folder, { recursive: true }));

  const at = (name: string) => join(folder, name);

  /** Runs the command in the project's folder, where tsx is, so that files need full paths. */
  async function asyncapi(...args: string[]) {
    const flags = ["--import=tsx", "--conditions=greenroom-source", main, "asyncapi", ...args];
    type Outcome = { readonly code: number; readonly stdout: string; readonly stderr: string };
    return run(process.execPath, flags, { cwd: root }).then(
      (said): Outcome => ({ code: 0, ...said }),
      (failure: Outcome) => failure,
    );
  }

  it("describes the contracts and consumers of all modules, and exits even if a module keeps running", async () => {
    const { code, stdout } = await asyncapi(at("chat.mjs"), at("lot.mts"), "--title=Chat", "--version=2");
    expect(code).to.equal(0);
    const document = JSON.parse(stdout);
    expect(document).to.deep.include({ asyncapi: "3.1.0", info: { title: "Chat", version: "2" } });
    expect(Object.keys(document.channels)).to.deep.equal(["ws_chat_room", "ws_lot"]);
    expect(document.channels.ws_lot["x-states"]).to.deep.equal({ idle: ["bid"] });
  });

  it("takes the name and version of package.json by default", async () => {
    const manifest = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
    const { info } = JSON.parse((await asyncapi(at("chat.mjs"))).stdout);
    expect(info).to.deep.equal({ title: manifest.name, version: manifest.version });
  });

  it("writes YAML, in which a key `on` is quoted", async () => {
    const json = JSON.parse((await asyncapi(at("chat.mjs"))).stdout);
    const { stdout } = await asyncapi(at("chat.mjs"), "--format=yaml");
    expect(stdout)
      .to.match(/^asyncapi: 3\.1\.0\n/)
      .and.contain('"on":');
    expect(parse(stdout)).to.deep.equal(json);
  });

  it("writes a file in the format of its name, and reports a file that is out of date", async () => {
    const file = at("api.yaml");
    expect((await asyncapi(at("chat.mjs"), "--check", file)).code).to.equal(1);
    expect(await asyncapi(at("chat.mjs"), "--out", file)).to.deep.equal({ code: 0, stdout: "", stderr: "" });
    const good = await asyncapi(at("chat.mjs"), "--check", file);
    expect(good).to.deep.include({ code: 0, stdout: `${file} is up to date.\n` });
    await writeFile(file, (await readFile(file, "utf8")).replace("/ws/chat/{room}", "/ws/talk/{room}"));
    const { code, stderr } = await asyncapi(at("chat.mjs"), "--check", file);
    expect(code).to.equal(1);
    expect(stderr).to.contain("is out of date").and.contain("+     address: /ws/chat/{room}");
  });

  const invalid: readonly (readonly [string, number, readonly string[], string])[] = [
    ["no file", 2, [], "Pass the file of a module"],
    ["a missing file", 1, ["no.mjs"], "File not found: no.mjs."],
    ["a module without contracts", 1, ["none.mjs"], "exports no contract. Its exports: one."],
    [
      "a schema without JSON Schema",
      1,
      ["dated.mjs"],
      'the frame "at" of /x cannot be written as JSON Schema',
    ],
    ["an unknown format", 2, ["chat.mjs", "--format=xml"], "use json, yaml."],
    ["an unknown option", 2, ["chat.mjs", "--colour"], "asyncapi --help"],
    ["two targets", 2, ["chat.mjs", "--out=a", "--check=b"], "not both"],
  ];
  for (const [what, code, args, message] of invalid) {
    it(`exits with ${code} for ${what}`, async () => {
      const files = args.map((arg) => (arg.endsWith(".mjs") && arg !== "no.mjs" ? at(arg) : arg));
      const said = await asyncapi(...files);
      expect(said.code).to.equal(code);
      expect(said.stderr).to.contain(message).and.not.contain("    at ");
    });
  }

  it("exits with 1 for a package.json that is not JSON", async () => {
    await mkdir(at("broken"));
    await writeFile(at("broken/package.json"), "{");
    const tsx = createRequire(import.meta.url).resolve("tsx");
    const flags = [`--import=${pathToFileURL(tsx)}`, "--conditions=greenroom-source", main, "asyncapi"];
    const cwd = at("broken");
    const said = await run(process.execPath, [...flags, at("chat.mjs")], { cwd }).catch((failure) => failure);
    expect(said.code).to.equal(1);
    expect(said.stderr).to.contain("package.json is not JSON").and.not.contain("    at ");
  });

  it("prints help", async () => {
    expect((await asyncapi("--help")).stdout).to.contain("--check FILE");
  });
});
