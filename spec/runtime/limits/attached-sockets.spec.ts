import { once } from "node:events";
import { createServer, Server } from "node:http";
import { createSecureServer, type Http2SecureServer } from "node:http2";
import { createServer as createHttpsServer } from "node:https";
import { connect } from "node:net";
import { expect } from "chai";
import { createRuntime, type Runtime, type RuntimeOptions, WebSocketConsumer } from "greenroom";
import { until } from "../../layers/support/until.ts";
import { type Certificate, makeCertificate } from "../../support/certificate.ts";
import { Client } from "../../support/client.ts";
import { plainRequest, RawClient } from "../../support/raw-client.ts";
import { upgradeRequest } from "../../support/raw-websocket.ts";
import { closeServers, listening } from "../../support/servers.ts";
import { connectionLimitsOf } from "../support/door.ts";

class Echo extends WebSocketConsumer {
  override receive(text: string) {
    this.send(text);
  }
}

describe("The sockets of an attached server", () => {
  let certificate: Certificate;
  let runtime: Runtime;
  let url: string;
  let isPlain: boolean;

  before(async () => {
    certificate = await makeCertificate();
  });
  afterEach(closeServers);

  async function serve<S extends Server | Http2SecureServer = Server>(
    options: RuntimeOptions<Record<never, never>>,
    server: S = createServer() as S,
  ): Promise<S> {
    runtime = createRuntime({ onError: () => {}, ...options });
    runtime.route("/echo", Echo);
    runtime.attach(server);
    url = await listening(server, runtime);
    isPlain = server instanceof Server;
    return server;
  }
  const secureServers = () => [
    createHttpsServer(certificate),
    createSecureServer({ ...certificate, allowHTTP1: true }),
  ];
  const open = () => {
    const scheme = isPlain ? "http" : "https";
    return Client.open(`${url.replace("http", scheme)}/echo`, [], { ca: certificate.cert });
  };
  const connections = () => connectionLimitsOf({ runtime }).connections;
  /** Resolves once the server has counted so many connections. */
  const counted = (count: number) => until(() => connections() === count);
  const plain = plainRequest("/", { Connection: "close" });

  it("get 429 past the limit of an address, or 503 past the limit of all, before a request is handled", async () => {
    for (const [limit, status] of [
      ["maxConnectionsPerAddress", 429],
      ["maxConnections", 503],
    ] as const) {
      let requests = 0;
      const server = createServer((_, response) => {
        requests += 1;
        response.end("ok");
      });
      const seen: boolean[] = [];
      server.on("connection", ({ destroyed }) => seen.push(destroyed));
      await serve({ [limit]: 2 }, server);
      const first = await RawClient.open(url);
      const second = await RawClient.open(url, upgradeRequest("/echo"));
      await second.until(/101/);
      for (const text of [plain, upgradeRequest("/echo"), ""]) {
        const answer = await (await RawClient.open(url, text)).rest();
        expect(answer).to.match(new RegExp(`^HTTP/1.1 ${status} .*\\r\\nRetry-After: \\d+\\r\\n`, "s"));
        expect(answer).to.match(/\r\nConnection: close\r\n/);
      }
      expect(requests).to.equal(0);
      expect(seen, "destroyed before the other listeners").to.deep.equal([false, false, true, true, true]);
      expect(runtime.counters().limited[limit]).to.equal(3);
      await first.send(plain);
      expect(await first.rest()).to.match(/^HTTP\/1.1 200 /);
      second.socket.destroy();
      await counted(0);
      await (await RawClient.open(url, plain)).until(/ok/);
    }
  });

  it("are not counted twice when they are upgraded, over TLS, too", async () => {
    for (const server of [createServer(), ...secureServers()]) {
      await serve({ maxConnections: 2 }, server);
      const [one, two] = [await open(), await open()];
      expect(connections()).to.equal(2);
      await open().then(
        () => expect.fail("was let in"),
        () => {},
      );
      expect(runtime.counters().limited.maxConnections).to.equal(1);
      one.send("still here");
      expect(await one.next()).to.equal("still here");
      await Promise.all([one.close(), two.close()]);
      await counted(0);
    }
  });

  it("are counted by the strictest of several runtimes, until the runtime is closed", async () => {
    const server = await serve({ maxConnections: 5 });
    const strict = createRuntime({ maxConnections: 1, onError: () => {} });
    strict.attach(server);
    const first = await RawClient.open(url);
    await counted(1);
    expect(await (await RawClient.open(url)).rest()).to.match(/ 503 /);
    expect(strict.counters().limited.maxConnections).to.equal(1);
    await counted(1);
    await strict.close();
    expect(await (await RawClient.open(url, plain)).rest()).to.match(/ 404 /);
    first.socket.destroy();
    await counted(0);
    await runtime.close();
    expect(server.listenerCount("connection")).to.equal(1);
    expect(server.headersTimeout).to.equal(60_000);
  });

  it("are cut if they are silent or slow with a request, with 408, and not afterwards", async () => {
    const server = createServer((_, response) => setTimeout(() => response.end("late"), 700));
    await serve({ connectTimeoutMs: 400 }, server);
    const websocket = await Client.open(`${url}/echo`);
    const slow = await RawClient.open(url, plain);
    const attackers = [
      await RawClient.open(url),
      await RawClient.open(url, "GET / HTTP/1.1\r\nHost: a\r\nX"),
    ];
    for (const attacker of attackers) expect(await attacker.rest()).to.match(/^HTTP\/1.1 408 /);
    expect(await slow.rest()).to.match(/late/);
    websocket.send("still here");
    expect(await websocket.next()).to.equal("still here");
    await counted(1);
  });

  it("are cut without a TLS handshake if they are silent", async () => {
    for (const server of secureServers()) {
      await serve({ connectTimeoutMs: 200 }, server);
      const client = await open();
      const silent = connect(Number(new URL(url).port), "127.0.0.1").on("error", () => {});
      await once(silent, "connect");
      await counted(2);
      await counted(1);
      // The second time-out ends without a cut of the client, which has sent nothing since.
      await once(
        connect(Number(new URL(url).port), "127.0.0.1").on("error", () => {}),
        "close",
      );
      client.send("still here");
      expect(await client.next()).to.equal("still here");
      await client.close();
    }
  });

  it("keep a shorter time-out of the server, and an interval of its own", async () => {
    const server = createServer({ headersTimeout: 3_000, connectionsCheckingInterval: 7 });
    await serve({}, server);
    expect(server.headersTimeout).to.equal(3_000);
    const other = createServer({ connectionsCheckingInterval: 7 });
    await serve({}, other);
    expect([other.headersTimeout, Reflect.get(other, "connectionsCheckingInterval")]).to.deep.equal([
      15_000, 7,
    ]);
  });
});
