import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { createRuntime, type Runtime, WebSocketConsumer } from "greenroom";
import { type GreenroomOptions, greenroom } from "greenroom/vite";
import { createLogger, createServer, type ViteDevServer } from "vite";
import { until } from "../layers/support/until.ts";
import { Client } from "../support/client.ts";

/** The modules of a site import this copy of the package, which the specs use, too. */
Object.assign(globalThis, { greenroomOfSpec: { WebSocketConsumer } });

/** A module with a consumer that answers each frame with `answer`. */
const consumerThatSays = (answer: string) => `import { WebSocketConsumer } from "greenroom";
  export class Echo extends WebSocketConsumer {
    receive() {
      this.send("${answer}");
    }
  }`;

const routesModule = `import { Echo } from "./echo.js";
  import { Other } from "./other.js";
  export function routes(runtime) {
    runtime.route("/ws/echo", Echo);
    runtime.route("/ws/other", Other);
  }`;

async function answerOf(client: Client): Promise<unknown> {
  client.send("?");
  return client.next();
}

describe("greenroom/vite", function () {
  this.timeout(180_000);
  let folder: string;
  let runtime: Runtime;
  let server: ViteDevServer;
  let url: string;
  let errors: string[];

  const write = (name: string, text: string) => writeFileSync(join(folder, name), text);

  async function start(options: Partial<GreenroomOptions> = {}): Promise<void> {
    runtime = createRuntime();
    const customLogger = createLogger("silent");
    customLogger.error = (text) => errors.push(text);
    server = await createServer({
      root: folder,
      configFile: false,
      customLogger,
      plugins: [greenroom({ runtime, routes: "/routes.js", ...options })],
      server: { host: "127.0.0.1", port: 0 },
    });
    await server.listen();
    // Not `ready` of the watcher: it comes early if a path, such as that of `.env`, does not exist.
    await until(() => {
      const watched = Object.values(server.watcher.getWatched()).flat();
      return ["echo.js", "routes.js"].every((name) => watched.includes(name));
    });
    url = server.resolvedUrls?.local[0]?.replace(/\/$/, "") ?? "";
  }

  /** Resolves once new connections get `answer`. */
  async function answers(path: string, answer: string): Promise<void> {
    for (;;) {
      const client = await Client.open(`${url}${path}`);
      const found = await answerOf(client);
      client.websocket.terminate();
      if (found === answer) return;
    }
  }

  beforeEach(() => {
    errors = [];
    folder = mkdtempSync(join(tmpdir(), "greenroom-vite-"));
    mkdirSync(join(folder, "node_modules/greenroom"), { recursive: true });
    write("node_modules/greenroom/package.json", `{ "type": "module", "exports": "./index.js" }`);
    write(
      "node_modules/greenroom/index.js",
      "export const { WebSocketConsumer } = globalThis.greenroomOfSpec;",
    );
    write("package.json", `{ "type": "module" }`);
    write("index.html", `<script type="module" src="/page.js"></script>`);
    write("page.js", "");
    write("echo.js", consumerThatSays("one"));
    write("three.js", consumerThatSays("three"));
    write("other.js", consumerThatSays("other").replace("Echo", "Other"));
    write("routes.js", routesModule);
  });

  afterEach(async () => {
    await server.close();
    await runtime.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it("replaces a consumer when its module changes, and closes its connections only", async () => {
    await start();
    const [echo, other] = [await Client.open(`${url}/ws/echo`), await Client.open(`${url}/ws/other`)];
    expect(await answerOf(echo)).to.equal("one");
    write("echo.js", consumerThatSays("two"));
    expect(await echo.closed).to.deep.equal({ code: 1001, reason: "The consumer was replaced" });
    expect(await answerOf(await Client.open(`${url}/ws/echo`))).to.equal("two");
    expect(await answerOf(other)).to.equal("other");
  });

  it("leaves connections to the old consumer on request", async () => {
    await start({ reconnect: false });
    const client = await Client.open(`${url}/ws/echo`);
    write("echo.js", consumerThatSays("two"));
    await answers("/ws/echo", "two");
    expect(await answerOf(client)).to.equal("one");
  });

  it("keeps the routes while a module is broken, and takes new ones after a repair", async () => {
    await start();
    const reported = new Promise<void>((resolve) => {
      const { push } = errors;
      errors.push = (...texts) => {
        if (texts.some((text) => text.startsWith("greenroom: cannot load /routes.js"))) resolve();
        return push.apply(errors, texts);
      };
    });
    const client = await Client.open(`${url}/ws/echo`);
    write("echo.js", "export class Echo extends {");
    await reported;
    expect(await answerOf(client)).to.equal("one");
    // Another file, because the watcher of Vite ignores a change of a file within 50 ms of its last change.
    write("routes.js", routesModule.replace("./echo.js", "./three.js"));
    await client.closed;
    expect(await answerOf(await Client.open(`${url}/ws/echo`))).to.equal("three");
  });

  it("reports a module without routes, and starts nevertheless", async () => {
    write("routes.js", "");
    await start();
    expect(errors.join()).to.contain('/routes.js must export a function "routes".');
    expect((await fetch(`${url}/page.js`)).status).to.equal(200);
  });

  it("leaves Vite its own WebSocket, and closes the runtime with the server", async () => {
    await start();
    const token = (server.config as { readonly webSocketToken?: string }).webSocketToken ?? "";
    const hmr = await Client.open(`${url}/?token=${token}`, ["vite-hmr"]);
    expect(JSON.parse(String(await hmr.next()))).to.deep.include({ type: "connected" });
    await server.close();
    expect(() => runtime.attach(server.httpServer))
      .to.throw()
      .with.property("code", "ERR_RUNTIME_CLOSED");
  });
});
