import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { expect } from "chai";
import { RedisConnection } from "../../../../layers/redis/connection/redis-connection.ts";
import { fixedOptions } from "../../../../layers/redis/connection/server-options.ts";

const clock = { setTimeout, clearTimeout: (id: unknown) => clearTimeout(id as NodeJS.Timeout) };

describe("RedisConnection", () => {
  let server: Server;
  afterEach(() => server.close());

  // A probe that `up` starts on such a connection would never be stopped.
  it("does not report `up` if it becomes ready while it is being closed", async () => {
    const heard: string[] = [];
    let closing: Promise<void> | undefined;
    server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on("data", (bytes) => {
        for (const [command] of bytes.toString().matchAll(/\r\n(?:client|info|hello)\r\n/gi)) {
          // The ready check is the last command that ioredis sends. Its reply arrives after `close` was
          // called.
          if (/info/i.test(command)) closing = connection.close();
          else socket.write("+OK\r\n");
        }
      });
      socket.on("end", () => socket.end("$9\r\nloading:0\r\n"));
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const connection = new RedisConnection(
      "publisher",
      {
        address: `127.0.0.1:${port}`,
        connectTimeoutMs: 5_000,
        options: { ...fixedOptions, disconnectTimeout: 5_000, host: "127.0.0.1", port },
      },
      { up: () => heard.push("up"), down: () => heard.push("down"), error: () => heard.push("error") },
      clock,
    );
    let isReady = false;
    connection.redis.on("ready", () => {
      isReady = true;
    });
    await connection.open().catch(() => {});
    await closing;
    expect(isReady).to.equal(true);
    expect(heard).to.deep.equal([]);
  });

  // A command that is written to such a connection would be lost.
  it("is not up once the server has ended the connection, even before the socket is closed", async () => {
    server = createServer((socket) => {
      socket.on("data", (bytes) => {
        for (const [command] of bytes.toString().matchAll(/\r\n(?:client|info|hello)\r\n/gi)) {
          socket.write(/info/i.test(command) ? "$9\r\nloading:0\r\n" : "+OK\r\n");
        }
      });
      ended.push(socket);
    }).listen(0, "127.0.0.1");
    const ended: Socket[] = [];
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const connection = new RedisConnection(
      "publisher",
      {
        address: `127.0.0.1:${port}`,
        connectTimeoutMs: 5_000,
        options: { ...fixedOptions, host: "127.0.0.1", port },
      },
      { up() {}, down() {}, error() {} },
      clock,
    );
    await connection.open();
    expect(connection.isUp).to.equal(true);
    for (const socket of ended) socket.end();
    await once(connection.redis.stream, "end");
    expect(connection.redis.status).to.equal("ready");
    expect(connection.isUp).to.equal(false);
    await connection.close();
  });
});
