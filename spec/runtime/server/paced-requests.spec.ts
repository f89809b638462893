import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { connect } from "node:tls";
import { expect } from "chai";
import { createRuntime, type Runtime, WebSocketConsumer } from "greenroom";
import { until } from "../../layers/support/until.ts";
import { makeCertificate } from "../../support/certificate.ts";
import { nextTurn } from "../../support/next-turn.ts";
import { plainRequest, RawClient } from "../../support/raw-client.ts";
import { encodeFrame, Opcode, upgradeRequest } from "../../support/raw-websocket.ts";
import { closeServers, listening } from "../../support/servers.ts";

const text = (frame: string) => encodeFrame(Opcode.text, frame).toString("latin1");

function spend(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

class Echo extends WebSocketConsumer {
  override receive(frame: string) {
    this.send(frame);
  }
}

describe("The requests of one socket of an attached server", () => {
  let runtime: Runtime;
  let url: string;
  let responses: ServerResponse[];
  /** The number of requests, or of parts of a body, that were handled in the first turn of the event loop. */
  let inFirstTurn: number | undefined;
  let handled: number;
  const clients: { readonly socket: RawClient["socket"] }[] = [];

  afterEach(async () => {
    for (const { socket } of clients.splice(0)) socket.destroy();
    await closeServers();
  });

  const count = () => {
    if (handled === 0) {
      setImmediate(() => {
        inFirstTurn = handled;
      });
    }
    handled += 1;
  };

  async function serve(
    onRequest: (request: IncomingMessage, response: ServerResponse) => void,
    server: Server = createServer(),
  ): Promise<void> {
    [inFirstTurn, handled, responses] = [undefined, 0, []];
    runtime = createRuntime();
    runtime.route("/echo", Echo);
    server.on("request", onRequest);
    runtime.attach(server);
    url = await listening(server, runtime);
  }

  async function open(bytes: string): Promise<RawClient> {
    const client = await RawClient.open(url, bytes);
    clients.push(client);
    return client;
  }

  const answerNext = (_: IncomingMessage, response: ServerResponse) => {
    count();
    response.end(`${handled}.`);
  };

  it("are handled in several turns of the event loop, and answered in order", async () => {
    await serve(answerNext);
    const client = await open(plainRequest("/").repeat(1_500));
    await until(() => /\r\n1500\./.test(client.received));
    expect(inFirstTurn).to.be.below(100);
    const bodies = [...client.received.matchAll(/\r\n\r\n(\d+)\./g)].map(([, number]) => Number(number));
    expect(bodies).to.deep.equal(Array.from({ length: 1_500 }, (_, index) => index + 1));
  });

  it("are handled in several turns over TLS, too", async () => {
    const certificate = await makeCertificate();
    await serve(answerNext, createHttpsServer(certificate));
    const socket = connect({ port: Number(new URL(url).port), host: "127.0.0.1", ca: certificate.cert });
    clients.push({ socket });
    socket.on("error", () => {}).resume();
    socket.write(plainRequest("/").repeat(1_500));
    await until(() => handled === 1_500);
    expect(inFirstTurn).to.be.below(100);
  });

  it("wait until the earlier responses have ended, if more than nine have come", async () => {
    await serve((_, response) => {
      handled += 1;
      responses.push(response);
    });
    const client = await open(plainRequest("/").repeat(50));
    await until(() => handled === 9);
    for (let turn = 0; turn < 20; turn += 1) await nextTurn();
    expect(handled).to.equal(9);
    const answer = setInterval(() => responses.shift()?.end("done"), 0);
    await until(() => client.received.match(/done/g)?.length === 50);
    clearInterval(answer);
  });

  it("may have a body of many chunks, which are read in several turns", async () => {
    let body = "";
    /** The turns of the event loop in which parts have arrived. */
    const turns = new Set<number>();
    let turn = 0;
    await serve((request, response) => {
      request.setEncoding("latin1").on("data", (part) => {
        if (!turns.has(turn)) setImmediate(() => (turn += 1));
        turns.add(turn);
        spend(0.02);
        body += part;
      });
      request.on("end", () => response.end("all"));
    });
    const head = plainRequest("/", { "Transfer-Encoding": "chunked" });
    const post = head.replace("GET", "POST");
    const client = await open(`${post}${"1\r\na\r\n".repeat(9_000)}0\r\n\r\n`);
    await client.until(/all/);
    expect(body).to.equal("a".repeat(9_000));
    expect(turns.size).to.be.greaterThan(5);
  });

  it("may precede an upgrade, with frames behind it", async () => {
    await serve(answerNext);
    const frames = Array.from({ length: 500 }, (_, index) => text(`frame ${index};`)).join("");
    const client = await open(plainRequest("/").repeat(3) + upgradeRequest("/echo") + frames);
    await until(() => client.received.includes("frame 499;"));
    expect(client.received.match(/HTTP\/1\.1 \d+/g)).to.deep.equal([
      ...Array(3).fill("HTTP/1.1 200"),
      "HTTP/1.1 101",
    ]);
    const echoes = [...client.received.matchAll(/frame (\d+);/g)].map(([, number]) => Number(number));
    expect(echoes).to.deep.equal(Array.from({ length: 500 }, (_, index) => index));
  });
});
