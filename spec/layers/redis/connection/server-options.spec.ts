import { expect } from "chai";
import { redisServer } from "../../../../layers/redis/connection/server-options.ts";

describe("redisServer", () => {
  it("takes address and login from the URL", () => {
    const { address, options } = redisServer({ url: "redis://me:p%40ss@redis.example:6399" });
    expect(address).to.equal("redis.example:6399");
    expect(options).to.include({ host: "redis.example", port: 6399, username: "me", password: "p@ss" });
    expect(options).not.to.have.property("tls");
  });

  it("supports the default port, IPv6 and TLS", () => {
    const { address, options } = redisServer({ url: "rediss://[::1]" });
    expect(address).to.equal("[::1]:6379");
    expect(options).to.deep.include({ host: "::1", port: 6379, tls: {} });
  });

  it("takes the path of a Unix socket, with options beside it", () => {
    for (const url of ["unix:///run/my%20redis.sock", "redis+unix:///run/my%20redis.sock"]) {
      const { address, options } = redisServer({ url, redis: { password: "x", db: 3 } });
      expect(address).to.equal("/run/my redis.sock");
      expect(options).to.include({ path: "/run/my redis.sock", password: "x", db: 3 });
    }
  });

  it("rejects an invalid URL without showing it", () => {
    for (const url of [
      "",
      "unix:///",
      "unix://",
      "unix://run/hunter2.sock",
      "unix://:hunter2@/run/redis.sock",
      "unix:///run/hunter2%.sock",
      "localhost:6379",
      "http://:hunter2@localhost",
      "redis//:hunter2@x",
      "redis://:hunter2%@x",
    ]) {
      const parse = () => redisServer({ url });
      expect(parse)
        .to.throw(TypeError, "`url` must")
        .with.property("message")
        .that.does.not.include("hunter2");
    }
  });

  it("rejects other parts of a URL without showing them", () => {
    for (const end of ["/3", "/x", "/00", "?family=4", "/0?db=3", "#secret"]) {
      const parse = () => redisServer({ url: `redis://:hunter2@x${end}` });
      expect(parse)
        .to.throw(TypeError, "Set the rest under `redis`")
        .with.property("message")
        .that.does.not.include("hunter2");
    }
    for (const end of ["?db=3", "#secret"]) {
      const parse = () => redisServer({ url: `unix:///run/hunter2.sock${end}` });
      expect(parse)
        .to.throw(TypeError, "Set the rest under `redis`")
        .with.property("message")
        .that.does.not.include("hunter2");
    }
    for (const end of ["", "/", "/0"]) {
      expect(redisServer({ url: `redis://x:1${end}`, redis: { db: 3 } })).to.have.nested.property(
        "options.db",
        3,
      );
    }
  });

  it("passes on ioredis' options, except those that affect delivery", () => {
    const ours = { keyPrefix: "mine:", commandTimeout: 1, blockingTimeout: 1, stringNumbers: true };
    const queueing = { enableOfflineQueue: true, autoResubscribe: true, enableAutoPipelining: true };
    const redis = { family: 6, tls: { servername: "x" }, ...queueing, ...ours };
    const { options } = redisServer({ url: "rediss://localhost", redis });
    expect(options).to.deep.include({ family: 6, tls: { servername: "x" } });
    expect(options).to.include({ enableOfflineQueue: false, autoResubscribe: false });
    expect(options).to.include({ keyPrefix: "", stringNumbers: false, enableAutoPipelining: false });
    expect(options).to.include({ commandTimeout: undefined, blockingTimeout: undefined });
  });
});
