import { once } from "node:events";
import type { Socket } from "node:net";
import { expect } from "chai";
import { WebSocketConsumer } from "greenroom";
import { Client } from "../support/client.ts";
import { serve, stopServing } from "../support/serving.ts";

describe("Outbox", () => {
  afterEach(stopServing);

  /** Counts how often a socket hands something to the operating system. */
  function countWrites(socket: Socket): () => number {
    let writes = 0;
    for (const method of ["_write", "_writev"] as const) {
      const original = socket[method] as (...args: unknown[]) => void;
      Object.assign(socket, {
        [method](...args: unknown[]) {
          writes++;
          original.apply(socket, args);
        },
      });
    }
    return () => writes;
  }

  it("writes all frames of one turn at its end, in one write and in order", async () => {
    let socket: Socket | undefined;
    let writes = () => 0;
    const written: number[] = [];
    class Burst extends WebSocketConsumer {
      override receive() {
        for (let n = 0; n < 100; n++) this.send(`${n}`);
        written.push(writes());
      }
    }
    const { runtime, url, server } = await serve({ layers: {} });
    runtime.route("/ws", Burst);
    server.on("connection", (connection) => {
      socket = connection;
    });
    const client = await Client.open(`${url}/ws`);
    if (socket) writes = countWrites(socket);
    client.send("go");
    expect(await client.take(100)).to.deep.equal(Array.from({ length: 100 }, (_, n) => `${n}`));
    expect([...written, writes()]).to.deep.equal([0, 1]);
  });

  it("counts the frames of a client that went before they were written", async () => {
    class Talker extends WebSocketConsumer {
      override receive() {
        for (let n = 0; n < 3; n++) this.send(`${n}`);
        socket?.destroy();
      }
    }
    let socket: Socket | undefined;
    const { runtime, url, server } = await serve({ layers: {} });
    runtime.route("/ws", Talker);
    server.on("connection", (connection) => {
      socket = connection;
    });
    const client = await Client.open(`${url}/ws`);
    client.send("go");
    await once(client.websocket, "close");
    await runtime.close();
    expect(runtime.counters().dropped.closing).to.equal(3);
  });
});
