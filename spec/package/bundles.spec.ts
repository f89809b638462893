import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect } from "chai";
import { build, type Format } from "esbuild";
import { run } from "../support/child-process.ts";
import { emptyProject, type Project, projectWithPackage } from "../support/installed-package.ts";

/** A server with an inspector and a message that a layer encodes. It prints the answers, and ends. */
const server = `
  import { once } from "node:events";
  import { createServer } from "node:http";
  import { connectionMachine, createRuntime, handlers, MemoryLayer, WebSocketConsumer } from "greenroom";
  import { inspector } from "greenroom/inspector";
  import { toSvg } from "greenroom/visualise";
  import { WebSocket } from "ws";

  class Room extends WebSocketConsumer {
    static layer = "chat";
    static on = handlers({ note({ text }) { this.send(text); } });
    async connect() {
      await this.accept();
      await this.groupAdd("room");
    }
    receive(text) {
      return this.groupSend("room", { type: "note", text });
    }
  }

  async function main() {
    const runtime = createRuntime({ layers: { chat: new MemoryLayer() } });
    runtime.route("/room", Room);
    const address = inspector(runtime, { path: "/inspect", guards: [() => undefined] });
    const listening = createServer().listen(0, "127.0.0.1");
    await once(listening, "listening");
    runtime.attach(listening);
    const url = "127.0.0.1:" + listening.address().port;
    const client = new WebSocket("ws://" + url + "/room");
    await once(client, "open");
    client.send("hello");
    const [text] = await once(client, "message");
    client.terminate();
    const page = await fetch("http://" + url + address);
    const script = await fetch("http://" + url + "/inspect/main.js");
    const clientScript = await fetch("http://" + url + "/inspect/client.js");
    const svg = await toSvg(connectionMachine).then((text) => text.slice(0, 4), (error) => error.code);
    const title = (await page.text()).match(/<title>[^<]*/)[0];
    const inspectorPage = new WebSocket("ws://" + url + "/inspect");
    const answered = new Promise((resolve) => inspectorPage.on("message", (frame) => {
      const report = JSON.parse(frame);
      const [{ id: consumer } = {}] = report.consumers ?? [];
      if (consumer) inspectorPage.send(JSON.stringify({ type: "machines", consumer }));
      if (report.type === "machines") resolve(report.machines[0].picture);
    }));
    const { svg: picture, missing } = await answered;
    console.log(JSON.stringify({
      text: String(text),
      title,
      script: [script.status, (await script.text()).length > 500],
      client: (await clientScript.text()).includes("greenroom.v1"),
      svg,
      picture: picture?.slice(0, 4) ?? missing,
    }));
    await runtime.close({ drainMs: 100 });
    process.exit(0);
  }
  main();
`;

/** Lets an ESM bundle contain CommonJS modules, such as ws. */
const banner = `import { createRequire as makeRequire } from "node:module"; const require = makeRequire(import.meta.url);`;

/** Bundles a program into a file of a folder without packages. */
async function bundle(
  entry: string,
  { format = "esm", minify = false }: { readonly format?: Format; readonly minify?: boolean } = {},
) {
  const project = emptyProject();
  const outfile = join(project.folder, `bundle-${format}-${minify}.${format === "esm" ? "mjs" : "cjs"}`);
  const { warnings, metafile } = await build({
    entryPoints: [entry],
    outfile,
    // Comments of the bundle name each module by its path from here: its size must not depend on this checkout's path.
    absWorkingDir: dirname(entry),
    bundle: true,
    platform: "node",
    target: "node20",
    format,
    minify,
    metafile: true,
    logLevel: "silent",
    banner: { js: format === "esm" ? banner : "" },
  });
  const [{ bytes = 0 } = {}] = Object.values(metafile.outputs);
  return { project, outfile, warnings: warnings.map(({ text }) => text), bytes };
}

describe("A bundle made by esbuild", function () {
  // The package has to be built first.
  this.timeout(180_000);
  let project: Project;

  before(async () => {
    project = await projectWithPackage("@hpcc-js/wasm-graphviz");
  });

  for (const [format, minify] of [
    ["esm", false],
    ["cjs", false],
    ["cjs", true],
  ] as const) {
    it(`serves connections and the inspector without the package: ${format}${minify ? ", minified" : ""}`, async () => {
      const entry = project.write("server.js", server);
      const { project: bundled, outfile, warnings } = await bundle(entry, { format, minify });
      expect(warnings).to.deep.equal([]);
      const answers = async () => {
        const { stdout } = await run(process.execPath, [outfile], { cwd: tmpdir() });
        return JSON.parse(stdout);
      };
      const expected = {
        text: "hello",
        title: "<title>Greenroom inspector",
        script: [200, true],
        client: true,
        svg: "<svg",
      };
      const { picture, ...rest } = await answers();
      expect(rest).to.deep.equal(expected);
      expect(picture).to.contain("npm install @hpcc-js/wasm-graphviz").and.contain("next to the bundle");
      bundled.link("@hpcc-js/wasm-graphviz");
      expect(await answers()).to.deep.equal({ ...expected, picture: "<svg" });
    });
  }

  /** Bundles `entry` as a page would. `inputs` are the paths of all modules. */
  async function bundleForBrowser(entry: string) {
    const { outputFiles, metafile } = await build({
      entryPoints: [entry],
      bundle: true,
      platform: "browser",
      format: "esm",
      minify: true,
      metafile: true,
      write: false,
    });
    return { contents: outputFiles[0]?.contents, inputs: Object.keys(metafile.inputs) };
  }

  it("has less than 1 KB of a contract for a browser, without its schemas", async () => {
    const entry = project.write(
      "contract.js",
      `import { contract, errorCodes, FrameType } from "greenroom/contract";
      console.log(contract({ path: "/a", client: {}, server: {} }), errorCodes, FrameType);`,
    );
    const { contents, inputs } = await bundleForBrowser(entry);
    expect(contents?.byteLength).to.be.lessThan(1_000);
    const others = inputs.filter((file) => !/dist\/contract\/[\w-]+\.js$/.test(file));
    expect(others)
      .to.have.length(1)
      .and.match(/contract\.js$/);
  });

  it("has at most 5,000 bytes of the client for a browser, gzipped, and almost nothing for an error class", async () => {
    const bundled = async (text: string) => {
      const { contents, inputs } = await bundleForBrowser(project.write("client.js", text));
      const others = inputs.filter((file) => !/dist\/(?:client|contract|protocol)\/[\w-]+\.js$/.test(file));
      expect(others).to.have.length(1);
      return gzipSync(contents ?? "", { level: 9 }).byteLength;
    };
    const size = await bundled(`import { connect } from "greenroom/client"; globalThis.connect = connect;`);
    expect(size).to.be.within(3_000, 5_000);
    const error = `import { ClientError } from "greenroom/client"; globalThis.ClientError = ClientError;`;
    expect(await bundled(error)).to.be.lessThan(300);
    const states = `import { clientStates } from "greenroom/client"; globalThis.clientStates = clientStates;`;
    expect(await bundled(states)).to.be.lessThan(400);
  });

  it("has only the modules that the program uses", async () => {
    const sizes = async (names: string) => {
      const entry = project.write("small.js", `export { ${names} } from "greenroom";`);
      return (await bundle(entry)).bytes;
    };
    expect(await sizes("groupName")).to.be.lessThan(2_000);
    expect(await sizes("CloseCode, GreenroomError")).to.be.lessThan(2_000);
    expect(await sizes("handlers, WebSocketConsumer")).to.be.lessThan(30_000);
  });
});
