import { once } from "node:events";
import {
  type ClientHttp2Session,
  connect,
  createSecureServer,
  createServer,
  type Http2SecureServer,
  type Http2Server,
  type OutgoingHttpHeaders,
} from "node:http2";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { expect } from "chai";
import { type AttachableServer, createRuntime, type Runtime, WebSocketConsumer } from "greenroom";
import { type Certificate, makeCertificate } from "../../support/certificate.ts";
import { Client } from "../../support/client.ts";

class Echo extends WebSocketConsumer {
  override receive(frame: string) {
    this.send(frame);
  }
}

describe("A runtime on a server of node:http2", () => {
  let certificate: Certificate;
  let runtime: Runtime;
  let server: Http2Server | Http2SecureServer;
  let session: ClientHttp2Session;

  before(async () => {
    certificate = await makeCertificate();
  });
  beforeEach(() => {
    runtime = createRuntime();
    runtime.route("/echo", Echo);
  });
  afterEach(async () => {
    session.close();
    await runtime.close({ drainMs: 1_000 });
    server.close();
  });

  /** Attaches the runtime, and opens a session of HTTP/2. Returns the address of the server. */
  async function start(scheme: string): Promise<string> {
    runtime.attach(server);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const url = `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`;
    session = connect(url, { ca: certificate.cert });
    await once(session, "connect");
    return url;
  }

  async function request(headers: OutgoingHttpHeaders) {
    const stream = session.request(headers);
    // Node leaves a CONNECT request open, and the session would wait for its end.
    stream.end();
    const [response] = await once(stream, "response");
    return { status: response[":status"], headers: response, body: await text(stream) };
  }

  // `allowHTTP1` lets a client choose the protocol: a WebSocket client chooses HTTP/1.1.
  it("serves WebSocket clients, and answers requests of HTTP/2, if HTTP/1.1 is allowed", async () => {
    server = createSecureServer({ ...certificate, allowHTTP1: true });
    const url = await start("https");
    const client = await Client.open(`${url}/echo`, [], { ca: certificate.cert });
    client.send("hello");
    expect(await client.next()).to.equal("hello");
    const plain = await request({ ":path": "/echo", origin: url });
    expect([plain.status, plain.headers["access-control-allow-origin"]]).to.deep.equal([426, url]);
    expect(plain.body).to.equal("This path speaks WebSocket: connect with a WebSocket client\n");
    expect((await request({ ":path": "/elsewhere" })).status).to.equal(404);
    expect((await request({ ":path": "/echo", origin: "https://evil.example" })).status).to.equal(403);
    await runtime.close({ drainMs: 1_000 });
    expect(await client.closed).to.have.property("code", 1012);
    expect(server.listenerCount("upgrade")).to.equal(0);
  });

  it("answers requests of a server without HTTP/1.1, and refuses a WebSocket over HTTP/2 with 405", async () => {
    server = createServer({ settings: { enableConnectProtocol: true } });
    await start("http");
    expect((await request({ ":path": "/echo" })).status).to.equal(426);
    const headers = { ":method": "CONNECT", ":protocol": "websocket", ":scheme": "http", ":path": "/echo" };
    const { status } = await request({ ...headers, ":authority": "127.0.0.1" });
    expect(status).to.equal(405);
  });
});

describe("Runtime.attach", () => {
  it("refuses null, as Vite's `httpServer` is in middleware mode", async () => {
    await using runtime = createRuntime();
    const httpServer: AttachableServer | null = null;
    expect(() => runtime.attach(httpServer)).to.throw(TypeError, "Vite's middleware mode");
  });
});
