import { on, once } from "node:events";
import type { AddressInfo } from "node:net";
import { expect } from "chai";
import { type WebSocket, WebSocketServer } from "ws";
import { session } from "../../bench/harness/client/client-protocol.ts";
import { Connection } from "../../bench/harness/client/connection.ts";
import { controlText } from "../../protocol/control-frames.ts";

describe("A client of the benchmarks with a session", () => {
  let server: WebSocketServer;

  beforeEach(async () => {
    server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    await once(server, "listening");
  });

  afterEach(() => {
    for (const client of server.clients) client.terminate();
    server.close();
  });

  /** The server's socket, after the frames with which a session begins. */
  async function openSession(): Promise<{ readonly connection: Connection; readonly socket: WebSocket }> {
    const accepted = once(server, "connection");
    const opened = Connection.open((server.address() as AddressInfo).port, session, "first=1&count=1");
    const [socket] = (await accepted) as [WebSocket];
    expect(socket.protocol).to.equal("greenroom.v1");
    const hello = { maxBytes: 1, maxPayload: 1, resumeMs: 1, window: 64, beatMs: 1 };
    socket.send(controlText({ c: "hello", session: "node.secret", ...hello }));
    socket.send("joined");
    return { connection: await opened, socket };
  }

  /** The next frame. Skips acknowledgements of up to `count` frames: a client sends them after a second. */
  async function nextAfterAcks(socket: WebSocket, count: number): Promise<string | undefined> {
    const early = Array.from({ length: count }, (_, index) => controlText({ c: "ack", n: index + 1 }));
    for await (const [frame] of on(socket, "message")) if (!early.includes(`${frame}`)) return `${frame}`;
    return undefined;
  }

  it("takes no control frame for a text", async () => {
    const { connection, socket } = await openSession();
    const texts: string[] = [];
    const second = new Promise<void>((resolve) => {
      connection.listen(
        (bytes, start, end) => {
          if (texts.push(bytes.toString("latin1", start, end)) === 2) resolve();
        },
        () => {},
      );
    });
    socket.send("a text of a room 1");
    socket.send(controlText({ c: "ack", n: 1_000_000 }));
    socket.send("a text of a room 2");
    await second;
    expect(texts).to.deep.equal(["a text of a room 1", "a text of a room 2"]);
    connection.abort();
  });

  it("acknowledges the frames that are not control frames", async () => {
    const { connection, socket } = await openSession();
    const acknowledged = nextAfterAcks(socket, 4);
    socket.send(controlText({ c: "beat" }));
    for (let text = 0; text < 4; text += 1) socket.send("x".repeat(65_536));
    expect(await acknowledged).to.equal(controlText({ c: "ack", n: 5 }));
    connection.abort();
  });

  it("leaves for good", async () => {
    const { connection, socket } = await openSession();
    const left = nextAfterAcks(socket, 1);
    const closed = once(socket, "close");
    await connection.close();
    const [frame, [code]] = await Promise.all([left, closed]);
    expect([frame, code]).to.deep.equal([controlText({ c: "bye" }), 1_000]);
  });
});
