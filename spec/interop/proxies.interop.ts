import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { createRuntime, type Runtime, WebSocketConsumer } from "greenroom";
import { connect } from "greenroom/client";
import { WebSocket } from "ws";
import { findProgram, proxyPrograms, writeConfiguration } from "../../examples/proxies/proxy-programs.ts";
import { until } from "../layers/support/until.ts";
import { type RunningProcess, startProcess } from "../support/child-process.ts";
import { freePort } from "../support/free-port.ts";

// Needs Debian's nginx, haproxy and caddy, which .ci/run installs.

/** Says which server, and which address of the client, it sees. */
const whoAmI = (server: number) =>
  class extends WebSocketConsumer {
    override async connect() {
      await this.accept();
      this.send(`${server} ${this.scope.clientAddress}`);
    }
  };

for (const program of proxyPrograms) {
  describe(`examples/proxies: the configuration for ${program.name}`, function () {
    this.timeout(60_000);
    let folder: string;
    let runtimes: readonly Runtime[];
    /** Ends the server with this number. */
    let end: (index: number) => Promise<void>;
    let proxy: RunningProcess;
    let url: string;

    before(async () => {
      folder = await mkdtemp(join(tmpdir(), "greenroom-proxy-"));
      runtimes = [0, 1].map((index) => {
        const runtime = createRuntime({ trustProxy: "127.0.0.1" });
        runtime.route("/ws", whoAmI(index));
        return runtime;
      });
      const servers = runtimes.map((runtime) =>
        createServer((request, response) => {
          if (request.url === "/readyz") response.end();
          else if (!runtime.handleRequest(request, response)) response.writeHead(404).end();
        }).listen(0, "127.0.0.1"),
      );
      servers.forEach((server, index) => {
        runtimes[index]?.attach(server);
      });
      end = async (index) => {
        await runtimes[index]?.close({ drainMs: 0 });
        servers[index]?.close();
        servers[index]?.closeAllConnections();
      };
      const port = await freePort();
      url = `http://127.0.0.1:${port}`;
      const ports = servers.map((server) => (server.address() as AddressInfo).port);
      writeConfiguration(program, folder, [port, ...ports]);
      const env = { ...process.env, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
      const path = findProgram(program.name);
      if (path === undefined) throw new Error(`Install ${program.name}: .ci/run does so on Debian.`);
      proxy = await startProcess(path, program.args(folder), () => true, env);
      await until(() =>
        fetch(`${url}/ws`).then(
          ({ status }) => status === 426,
          () => false,
        ),
      );
    });
    after(async () => {
      if (proxy.isRunning) process.kill(proxy.pid);
      await proxy.exited;
      await Promise.all([end(0), end(1)]);
      await rm(folder, { recursive: true });
    });

    /** Opens a socket from another address of this machine. */
    async function greeting(headers: Readonly<Record<string, string>> = {}): Promise<string> {
      const socket = new WebSocket(`${url.replace("http", "ws")}/ws`, { headers, localAddress: "127.0.0.2" });
      const text = await new Promise<string>((resolve, reject) => {
        socket.once("message", (data) => resolve(String(data)));
        socket.once("error", reject);
      });
      socket.close();
      return text;
    }

    it("passes on the upgrade, the host, and the address of the client", async () => {
      const text = await greeting({ origin: url });
      expect(text).to.match(/^[01] 127\.0\.0\.2$/);
    });

    it("does not let a client choose its address", async () => {
      const text = await greeting({ "X-Forwarded-For": "203.0.113.7" });
      expect(text).to.match(/^[01] 127\.0\.0\.2$/);
    });

    it("lets the server refuse pages of other origins, also if the client claims another host", async () => {
      const headers = { origin: "https://evil.example", "X-Forwarded-Host": "evil.example" };
      const socket = new WebSocket(`${url.replace("http", "ws")}/ws`, { headers });
      const error = await new Promise<Error>((resolve) => socket.once("error", resolve));
      expect(error.message).to.contain("403");
    });

    it("sends a client to the same server again, where its session goes on", async () => {
      const sockets: WebSocket[] = [];
      class KeptSocket extends WebSocket {
        constructor(...args: ConstructorParameters<typeof WebSocket>) {
          super(...args);
          sockets.push(this);
        }
      }
      const client = connect({ url: `${url}/ws`, WebSocket: KeptSocket });
      const texts: string[] = [];
      client.on("text", (text) => texts.push(text));
      client.onGap(() => texts.push("gap"));
      await until(() => texts.length === 1);
      sockets[0]?.terminate();
      await until(() => client.status.state === "joined" && sockets.length > 1);
      expect(runtimes.map((runtime) => runtime.counters().resumed).sort()).to.deep.equal([0, 1]);
      expect(texts).to.have.length(1);
      await client.close();
    });

    it("sends new clients to the other server if one is gone", async () => {
      const [first] = (await greeting()).split(" ");
      await end(Number(first));
      await until(async () => {
        const answer = await greeting().catch(() => "");
        return answer.startsWith(first === "0" ? "1" : "0");
      });
    });
  });
}
