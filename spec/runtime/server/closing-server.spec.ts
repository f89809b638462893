import { once } from "node:events";
import { createServer, get, type ServerResponse } from "node:http";
import {
  connect as connectHttp2,
  createServer as createHttp2Server,
  type Http2ServerResponse,
} from "node:http2";
import { type AddressInfo, connect } from "node:net";
import { text } from "node:stream/consumers";
import { expect } from "chai";
import { createRuntime, WebSocketConsumer } from "greenroom";
import { WebSocketServer } from "ws";
import { Client } from "../../support/client.ts";
import { connectionsOf, listening } from "../../support/servers.ts";
import { pauses } from "../../support/waiting.ts";

class Echo extends WebSocketConsumer {}

/** A server that answers each request when the spec says so, with a runtime. */
async function start() {
  const responses: ServerResponse[] = [];
  const server = createServer((_, response) => responses.push(response));
  const closed = once(server, "close");
  const runtime = createRuntime();
  runtime.route("/ws", Echo);
  runtime.attach(server, { closeServer: true });
  const url = await listening(server);
  return { server, closed, runtime, url, port: Number(new URL(url).port), responses };
}

describe("attach with closeServer", () => {
  it("closes the server after the connections of the runtime, which get 1012", async () => {
    const { server, closed, runtime, url } = await start();
    const client = await Client.open(`${url}/ws`);
    await runtime.close();
    expect(await client.closed).to.have.property("code", 1012);
    await closed;
    expect(server.listening).to.equal(false);
  });

  it("lets a request end that runs, and then closes its connection", async () => {
    const { server, runtime, url, responses } = await start();
    server.keepAliveTimeout = 3_600_000;
    const arrived = once(server, "request");
    const answered = once(get(url, { headers: { Connection: "keep-alive" } }), "response");
    await arrived;
    const closing = runtime.close({ drainMs: 3_600_000 });
    const pause = pauses(1);
    while (server.listening) await pause();
    for (const response of responses) response.end("done");
    const [{ statusCode }] = await answered;
    expect(statusCode).to.equal(200);
    await closing;
    expect(await connectionsOf(server)).to.equal(0);
  });

  it("does not wait for a connection without a request, such as a spare one of a browser", async () => {
    const { closed, runtime, port, server } = await start();
    const accepted = once(server, "connection");
    const spare = connect(port, "127.0.0.1");
    await accepted;
    const ended = once(spare, "close");
    await runtime.close({ drainMs: 3_600_000 });
    await closed;
    await ended;
  });

  it("cuts what is left after drainMs: a request, and an upgrade of another listener", async () => {
    const { closed, runtime, server, url } = await start();
    const other = new WebSocketServer({ noServer: true });
    server.on("upgrade", (request, socket, head) => {
      if (request.url === "/other") other.handleUpgrade(request, socket, head, () => {});
    });
    const neighbour = await Client.open(`${url}/other`);
    const arrived = once(server, "request");
    const failed = once(get(url), "error");
    await arrived;
    await runtime.close({ drainMs: 50 });
    await closed;
    await failed;
    expect(await neighbour.closed).to.have.property("code", 1006);
  });

  // `server.close` waited for the session of a browser, so each shutdown took all of drainMs.
  it("ends the sessions of HTTP/2 with their last request", async () => {
    const runtime = createRuntime();
    const responses: Http2ServerResponse[] = [];
    const server = createHttp2Server((_, response) => responses.push(response));
    runtime.attach(server, { closeServer: true });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const session = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const ended = once(session, "close");
    const arrived = once(server, "request");
    const request = session.request();
    await arrived;
    const closing = runtime.close({ drainMs: 3_600_000 });
    await once(session, "goaway");
    for (const response of responses) response.end("done");
    expect(await text(request)).to.equal("done");
    await closing;
    await ended;
  });

  // `close` never resolved: only the sockets that came after `attach` were cut.
  it("cuts a request that is older than the runtime, and does not wait for an older upgrade", async () => {
    const server = createServer();
    const other = new WebSocketServer({ server });
    const url = await listening(server);
    const neighbour = await Client.open(`${url}/other`);
    const arrived = once(server, "request");
    const failed = once(get(url), "error");
    await arrived;
    const runtime = createRuntime();
    runtime.attach(server, { closeServer: true });
    await runtime.close({ drainMs: 50 });
    await failed;
    expect(server.listening).to.equal(false);
    for (const websocket of other.clients) websocket.terminate();
    await neighbour.closed;
  });

  it("does not fail if the server does not listen, or is closed already", async () => {
    const runtime = createRuntime();
    runtime.attach(createServer(), { closeServer: true });
    const server = createServer();
    runtime.attach(server, { closeServer: true });
    await listening(server);
    server.close();
    await runtime.close();
  });

  it("leaves a server open that is attached without it", async () => {
    const server = createServer((_, response) => response.end("still here"));
    const runtime = createRuntime();
    runtime.attach(server);
    const url = await listening(server);
    await runtime.close();
    expect(await (await fetch(url)).text()).to.equal("still here");
    server.close();
    server.closeAllConnections();
  });
});
