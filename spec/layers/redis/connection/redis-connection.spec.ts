import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { expect } from "chai";
import { Redis } from "ioredis";
import { RedisConnection } from "../../../../layers/redis/connection/redis-connection.ts";
import { fixedOptions, redisServer } from "../../../../layers/redis/connection/server-options.ts";
import { type RedisServer, startRedisServer } from "../../../support/redis.ts";
import { until } from "../../support/until.ts";

const clock = { setTimeout, clearTimeout: (id: unknown) => clearTimeout(id as NodeJS.Timeout) };

describe("RedisConnection", () => {
  let server: Server;
  afterEach(() => server.close());

  // A probe that `up` starts on such a connection would never be stopped.
  it("does not report `up` if it becomes ready while it is being closed", async () => {
    const heard: string[] = [];
    let closing: Promise<void> | undefined;
    let isReady = false;
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
      {
        prepare: (redis) =>
          redis.on("ready", () => {
            isReady = true;
          }),
        up: () => heard.push("up"),
        down: () => heard.push("down"),
        error: () => heard.push("error"),
      },
      clock,
    );
    await connection.open().catch(() => {});
    await closing;
    expect(isReady).to.equal(true);
    expect(heard).to.deep.equal([]);
  });

  // A command that is written to such a connection would be lost.
  it("is not up once the server has ended the connection, even before the socket is closed", async () => {
    server = createServer((socket) => {
      socket.on("data", (bytes) => {
        for (const [command] of bytes.toString().matchAll(/\r\n(?:client|info|hello|role|ping)\r\n/gi)) {
          socket.write(/info/i.test(command) ? "$11\r\nrole:master\r\n" : "+OK\r\n");
        }
      });
      ended.push(socket);
    }).listen(0, "127.0.0.1");
    const ended: Socket[] = [];
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    let client: Redis | undefined;
    const connection = new RedisConnection(
      "publisher",
      {
        address: `127.0.0.1:${port}`,
        connectTimeoutMs: 5_000,
        options: { ...fixedOptions, host: "127.0.0.1", port },
      },
      {
        prepare: (redis) => {
          client = redis;
        },
        up() {},
        down() {},
        error() {},
      },
      clock,
    );
    await connection.open();
    expect(connection.isUp).to.equal(true);
    for (const socket of ended) socket.end();
    if (client === undefined) return expect.fail("The client was not prepared.");
    await once(client.stream, "end");
    expect(client.status).to.equal("ready");
    expect(connection.isUp).to.equal(false);
    await connection.close();
  });
});

describe("RedisConnection at a server that becomes a replica", () => {
  let server: RedisServer;
  let admin: Redis;
  let connection: RedisConnection;
  let heard: string[];
  beforeEach(async () => {
    heard = [];
    server = await startRedisServer();
    admin = new Redis(server.url);
    connection = new RedisConnection(
      "publisher",
      redisServer({ url: server.url }),
      {
        prepare: ({ status }) => heard.push(`prepare: ${status}`),
        up: () => heard.push(`up: ${connection.isUp}`),
        down: () => heard.push("down"),
        error: (error) => heard.push(error.message),
      },
      clock,
    );
  });
  afterEach(async () => {
    await connection.close();
    admin.disconnect();
    await server.kill();
  });

  const attempts = () => heard.filter((line) => line.startsWith("prepare")).length;
  const becomeReplica = () => admin.replicaof("127.0.0.1", 1);

  it("prepares the client before it connects, and is up once the server was checked", async () => {
    await connection.open();
    expect(heard).to.deep.equal(["prepare: wait", "up: true"]);
  });

  it("does not open at a replica", async () => {
    await becomeReplica();
    const error = await connection.open().catch((reason: Error) => reason);
    expect(error)
      .to.have.property("message")
      .that.includes("cannot be used (publisher): the server is a replica");
    expect(heard).to.deep.equal(["prepare: wait"]);
    expect(connection.isUp).to.equal(false);
  });

  it("tries again with a new client after a failed check, and reports the reason once", async () => {
    await connection.open();
    await becomeReplica();
    await connection.rebuild(new Error("rebuilt"));
    await until(() => attempts() >= 4);
    expect(connection.outage?.message).to.include("is not connected (publisher): the server is a replica");
    await admin.replicaof("NO", "ONE");
    await until(() => connection.isUp);
    expect(connection.outage).to.equal(undefined);
    expect(heard.filter((line) => line.startsWith("up"))).to.have.length(2);
    expect(heard.filter((line) => line === "down")).to.have.length(1);
    expect(heard.filter((line) => line.includes("is a replica"))).to.have.length(1);
  });
});
