import { once } from "node:events";
import { createServer, IncomingMessage, type RequestListener, type Server } from "node:http";
import { expect } from "chai";
import { createRuntime, WebSocketConsumer } from "greenroom";
import { filterUpgrades, isWebSocketUpgrade } from "../../../runtime/server/upgrade-filter.ts";
import { plainRequest, RawClient } from "../../support/raw-client.ts";
import { closeServers, listening } from "../../support/servers.ts";

const h2c = {
  Connection: "Upgrade, HTTP2-Settings",
  Upgrade: "h2c",
  "HTTP2-Settings": "AAMAAABkAAQCAAAAAAIAAAAA",
};

/** Answers with all that it has seen of the request. */
const mirror: RequestListener = async (request, response) => {
  let body = "";
  for await (const chunk of request) body += chunk;
  const { method, url, headers, rawHeaders } = request;
  response.end(`${JSON.stringify({ method, url, headers, rawHeaders, body })}\n`);
};

const requests: Readonly<Record<string, string>> = {
  "h2c without a body": plainRequest("/page", h2c),
  "TLS/1.0": plainRequest("/page", { Connection: "upgrade", Upgrade: "TLS/1.0" }),
  "h2c or WebSocket": plainRequest("/page", { Connection: "upgrade", Upgrade: "h2c, websocket" }),
  "h2c to a path with a route": plainRequest("/ws/echo", h2c),
  "h2c with a body": plainRequest("/page", { ...h2c, "Content-Length": "5" }, "hello"),
  "h2c with a body in chunks": plainRequest(
    "/page",
    { ...h2c, "Transfer-Encoding": "chunked" },
    "5\r\nhello\r\n0\r\n\r\n",
  ),
  "h2c with a body that waits for 100": plainRequest(
    "/page",
    { ...h2c, Expect: "100-continue", "Content-Length": "5" },
    "hello",
  ),
  "h2c and Connection: close": plainRequest("/page", { ...h2c, Connection: "Upgrade, close" }),
  CONNECT:
    "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
};

/** The answers to a request, and to a second request on the same connection. */
async function conversation(url: string, request: string): Promise<string> {
  const client = await RawClient.open(url, request);
  await client.until(/\}\n/).catch(() => {});
  await client.send(plainRequest("/last", { Connection: "close" }));
  return (await client.rest()).replace(/^Date: .*$/gm, "Date:");
}

async function attached(listener: RequestListener): Promise<{ server: Server; url: string }> {
  const runtime = createRuntime();
  runtime.route("/ws/echo", class extends WebSocketConsumer {});
  const server = createServer(listener);
  runtime.attach(server);
  return { server, url: await listening(server, runtime) };
}

describe("filterUpgrades", () => {
  afterEach(closeServers);

  for (const [name, request] of Object.entries(requests)) {
    it(`gives ${name} to the request listeners, like a server without a runtime`, async () => {
      const alone = await listening(createServer(mirror));
      const { url } = await attached(mirror);
      const expected = await conversation(alone, request);
      expect(expected).to.match(name === "CONNECT" ? /^$/ : /^HTTP\/1.1 200 /m);
      expect(await conversation(url, request)).to.equal(expected);
    });
  }

  it("keeps the class of requests that the server was made with", async () => {
    const seen: IncomingMessage[] = [];
    const { url } = await attached((request, response) => {
      seen.push(request);
      mirror(request, response);
    });
    await conversation(url, plainRequest("/page", h2c));
    expect(seen.map((request) => request instanceof IncomingMessage)).to.deep.equal([true, true]);
  });

  it("gives upgrades to other protocols to another upgrade listener, if there is one", async () => {
    const { server, url } = await attached(mirror);
    server.on("upgrade", (request, socket) => socket.end(`HTTP/1.1 101 ${request.headers.upgrade}\r\n\r\n`));
    const client = await RawClient.open(url, plainRequest("/page", h2c));
    expect(await client.rest()).to.equal("HTTP/1.1 101 h2c\r\n\r\n");
  });

  it("ends when the last runtime of the server is closed", async () => {
    const server = createServer(mirror);
    const url = await listening(server);
    const runtimes = [createRuntime(), createRuntime()];
    for (const runtime of runtimes) runtime.attach(server);
    for (const runtime of runtimes) await runtime.close();
    expect(server.listenerCount("upgrade")).to.equal(0);
    const upgraded = once(server, "upgrade");
    const client = await RawClient.open(url, plainRequest("/page", h2c));
    const [request, socket] = await upgraded;
    expect(Object.getOwnPropertyNames(request)).to.include("upgrade");
    socket.destroy();
    await client.rest();
  });

  it("uses shouldUpgradeCallback if the server has one, and asks the callback that it replaces", () => {
    const asked: string[] = [];
    const original = function (this: unknown, { url = "" }: IncomingMessage) {
      expect(this).to.equal(server);
      asked.push(url);
      return url !== "/no";
    };
    const server = Object.assign(createServer(), { shouldUpgradeCallback: original });
    const remove = filterUpgrades(server, isWebSocketUpgrade);
    const ask = (url: string, upgrade: string) =>
      server.shouldUpgradeCallback({ url, headers: { upgrade } } as IncomingMessage);
    expect([ask("/yes", "WebSocket"), ask("/no", "websocket"), ask("/h2c", "h2c")]).to.deep.equal([
      true,
      false,
      false,
    ]);
    expect(asked).to.deep.equal(["/yes", "/no"]);
    remove();
    expect(server.shouldUpgradeCallback).to.equal(original);
  });

  it("leaves a callback in place that was set later", () => {
    const server = Object.assign(createServer(), { shouldUpgradeCallback: (): boolean => true });
    const remove = filterUpgrades(server, isWebSocketUpgrade);
    const later = () => false;
    server.shouldUpgradeCallback = later;
    remove();
    expect(server.shouldUpgradeCallback).to.equal(later);
  });
});
