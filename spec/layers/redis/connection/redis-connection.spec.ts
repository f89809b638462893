import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";
import { expect } from "chai";
import { RedisConnection } from "../../../../layers/redis/connection/redis-connection.ts";
import { fixedOptions, redisServer } from "../../../../layers/redis/connection/server-options.ts";
import { redisUrl } from "../../../support/redis.ts";
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
});

describe("RedisConnection at a server that is checked", () => {
  let connection: RedisConnection;
  let heard: string[];
  let isFit: boolean;
  beforeEach(() => {
    heard = [];
    isFit = true;
    connection = new RedisConnection(
      "publisher",
      redisServer({ url: redisUrl() }),
      {
        prepare: ({ status }) => heard.push(`prepare: ${status}`),
        async check(redis) {
          heard.push(`check: ${await redis.ping()}, ${connection.isUp}`);
          if (!isFit) throw new Error("unfit");
        },
        up: () => heard.push("up"),
        down: () => heard.push("down"),
        error: (error) => heard.push(error.message),
      },
      clock,
    );
  });
  afterEach(() => connection.close());

  it("is up once the check has succeeded", async () => {
    await connection.open();
    expect(heard).to.deep.equal(["prepare: wait", "check: PONG, false", "up"]);
  });

  it("does not open if the check fails", async () => {
    isFit = false;
    const error = await connection.open().catch((reason: Error) => reason);
    expect(error).to.have.property("message").that.includes("cannot be reached (publisher): unfit");
    expect(heard).to.deep.equal(["prepare: wait", "check: PONG, false"]);
    expect(connection.isUp).to.equal(false);
  });

  it("tries again with a new client after a failed check, and reports the reason once", async () => {
    await connection.open();
    isFit = false;
    await connection.rebuild(new Error("rebuilt"));
    const checks = () => heard.filter((line) => line.startsWith("check")).length;
    await until(() => checks() >= 4);
    expect(connection.outage?.message).to.include("is not connected (publisher): unfit");
    isFit = true;
    await until(() => connection.isUp);
    expect(connection.outage).to.equal(undefined);
    expect(heard.filter((line) => line === "up")).to.have.length(2);
    expect(heard.filter((line) => line === "down")).to.have.length(1);
    expect(heard.filter((line) => line.includes("unfit"))).to.have.length(1);
    expect(heard.filter((line) => line.startsWith("prepare"))).to.have.length(checks());
  });
});
