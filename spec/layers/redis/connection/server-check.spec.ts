import { expect } from "chai";
import { Redis } from "ioredis";
import { LayerUnavailableError } from "../../../../layers/errors.ts";
import {
  RedisPubSubLayer,
  type RedisPubSubLayerOptions,
  RedisStreamsLayer,
} from "../../../../layers/redis/index.ts";
import { Recorder, Worker } from "../../../../layers/testing/index.ts";
import { type RedisServer, startRedisServer } from "../../../support/redis.ts";
import { type RedisFailover, startRedisFailover } from "../../../support/redis-failover.ts";
import { until, untilResolved } from "../../support/until.ts";

const kinds = { RedisPubSubLayer, RedisStreamsLayer };

describe("the check of a Redis server", () => {
  let errors: string[];
  let layers: RedisPubSubLayer[];
  beforeEach(() => {
    errors = [];
    layers = [];
  });
  const closeAll = () => Promise.all(layers.map((layer) => layer.close()));

  function create(Layer: typeof RedisPubSubLayer, options: RedisPubSubLayerOptions): RedisPubSubLayer {
    const onError = (error: unknown) => errors.push((error as Error).message);
    const layer = new Layer({ probeMs: 100, onError, ...options });
    layers.push(layer);
    return layer;
  }

  async function member(layer: RedisPubSubLayer): Promise<Recorder> {
    const inbox = new Recorder();
    await layer.groupAdd("room", await layer.newChannel(inbox));
    return inbox;
  }

  describe("with the commands that the server permits", () => {
    let server: RedisServer;
    afterEach(async () => {
      await closeAll();
      await server.kill();
    });

    const without = (...commands: string[]) => commands.flatMap((name) => ["--rename-command", name, ""]);

    for (const names of [[], ["HELLO"], ["HELLO", "ROLE"], ["ROLE", "INFO"]]) {
      it(`accepts a master without ${names.join(" and ") || "restrictions"}`, async () => {
        server = await startRedisServer({ args: without(...names) });
        const layer = create(RedisPubSubLayer, { url: server.url, prefix: "chat" });
        const inbox = await member(layer);
        await layer.groupSend("room", { type: "end" });
        await inbox.next("end");
        expect(layer.health).to.deep.equal({ ok: true });
      });
    }

    for (const names of [["HELLO"], ["HELLO", "ROLE"]]) {
      it(`refuses a replica without ${names.join(" and ")}`, async () => {
        server = await startRedisServer({ args: [...without(...names), "--replicaof", "127.0.0.1", "1"] });
        const failure = await create(RedisPubSubLayer, { url: server.url, prefix: "chat" })
          .ready()
          .catch((error: Error) => error);
        expect(failure).to.have.property("message").that.includes("the server is a replica");
      });
    }

    it("refuses a server that does not tell its role, and names the commands to permit", async () => {
      server = await startRedisServer({ args: without("HELLO", "ROLE", "INFO") });
      const failure = await create(RedisPubSubLayer, { url: server.url, prefix: "chat" })
        .ready()
        .catch((error: Error) => error);
      expect(failure).to.be.instanceOf(LayerUnavailableError);
      expect(failure?.message).to.include(`127.0.0.1:${server.port} cannot be used`);
      expect(failure?.message).to.include("HELLO, ROLE and INFO");
    });

    it("writes nothing to the console if the user may not run INFO", async () => {
      server = await startRedisServer();
      const raw = new Redis(server.url);
      await raw.call("ACL", "SETUSER", "app", "on", ">pw", "~*", "&*", "+@all", "-@dangerous");
      raw.disconnect();
      const { warn } = console;
      const warnings: unknown[] = [];
      console.warn = (...texts) => warnings.push(texts);
      try {
        await create(RedisPubSubLayer, {
          url: `redis://app:pw@127.0.0.1:${server.port}`,
          prefix: "x",
        }).ready();
      } finally {
        console.warn = warn;
      }
      expect(warnings).to.deep.equal([]);
      expect(errors).to.deep.equal([]);
    });
  });

  for (const readOnly of ["yes", "no"]) {
    describe(`of a master with a replica, with replica-read-only ${readOnly}`, () => {
      let pair: RedisFailover;
      beforeEach(async () => {
        pair = await startRedisFailover(["--replica-read-only", readOnly]);
        await pair.replicate();
      });
      afterEach(async () => {
        await closeAll();
        await pair.stop();
      });

      const options = (protocol?: 2): RedisPubSubLayerOptions => ({
        url: pair.url,
        prefix: "chat",
        connectTimeoutMs: 5_000,
        ...(protocol && { redis: { protocol } }),
      });

      /** The number of the layers' connections to the second server. */
      const connections = async () =>
        String(await pair.second.client("LIST")).split("name=greenroom-").length - 1;

      /** The number of times that the first server was asked for its role. */
      const checks = async () =>
        Number(/cmdstat_hello:calls=(\d+)/.exec(await pair.first.info("commandstats"))?.[1] ?? 0);

      for (const [kind, Layer] of Object.entries(kinds)) {
        it(`makes ready() of a ${kind} reject at a replica`, async () => {
          const [, replica] = pair.servers;
          const failure = await create(Layer, { url: replica.url, prefix: "chat" })
            .ready()
            .catch((error: Error) => error);
          expect(failure).to.be.instanceOf(LayerUnavailableError);
          expect(failure?.message).to.include(`127.0.0.1:${replica.port} cannot be used`);
          expect(failure?.message).to.include("the server is a replica");
        });

        for (const protocol of [undefined, 2] as const) {
          // Before, the connections stayed at the demoted master, and messages reached no member.
          it(`moves both connections of a ${kind} off a demoted master, by RESP ${protocol ?? 3}`, async () => {
            const layer = create(Layer, options(protocol));
            const inbox = await member(layer);
            await pair.first.config("RESETSTAT");
            await until(async () => (await checks()) >= 4);
            await pair.failOver();
            const atNew = create(Layer, { url: pair.servers[1].url, prefix: "chat" });
            const other = await member(atNew);
            // The layer sends nothing: the check itself has to find the demotion.
            await until(async () => (await connections()) === 4);
            await until(() => layer.health.ok);
            await layer.groupSend("room", { type: "from the old node" });
            await atNew.groupSend("room", { type: "from the new node" });
            for (const heard of [inbox, other]) {
              await heard.next("from the old node");
              await heard.next("from the new node");
            }
            expect(errors.join("\n")).to.match(/\(publisher\): the server is a replica|READONLY/);
          });
        }
      }

      it("moves a subscriber that cannot be checked or probed", async () => {
        // Without INFO, the layer does not know either that the publisher has moved to another server.
        const rights = ["~*", "resetchannels", "&chat__node__*", "&chat__group__*", "+@all", "-info"];
        for (const client of [pair.first, pair.second]) {
          await client.call("ACL", "SETUSER", "app", "on", ">pw", ...rights);
        }
        const url = `redis://app:pw@${pair.host}:${pair.port}`;
        const layer = create(RedisPubSubLayer, { ...options(2), url });
        await member(layer);
        await pair.failOver();
        await until(async () => (await connections()) === 2);
        await until(() => layer.health.ok);
      });

      it("moves the connections of queues off a demoted master", async () => {
        // A read blocks for up to half of `connectTimeoutMs`, and the check has to wait for the read.
        const layer = create(RedisStreamsLayer, { ...options(), connectTimeoutMs: 2_000 });
        const worker = new Worker();
        // This process may be stopped for longer than `connectTimeoutMs`.
        await untilResolved(() => layer.consume("jobs", worker.handle));
        await layer.send("jobs", { type: "job", number: 1 });
        await worker.hasBegun(1);
        await pair.failOver();
        await until(async () => (await connections()) === 5);
        await until(() => layer.health.ok);
        await layer.send("jobs", { type: "job", number: 2 });
        await until(() => worker.numbers.includes(2));
      });
    });
  }

  it("moves a layer off a demoted master at once if a command is refused", async () => {
    const pair = await startRedisFailover();
    try {
      await pair.replicate();
      // The next check is too late.
      const layer = create(RedisStreamsLayer, { url: pair.url, prefix: "chat", probeMs: 3_600_000 });
      const inbox = await member(layer);
      await pair.failOver();
      const refused = await layer.groupSend("room", { type: "x" }).catch((error: Error) => error);
      expect(refused).to.have.property("message").that.includes("READONLY");
      await until(() => layer.health.ok);
      await layer.groupSend("room", { type: "end" });
      await inbox.next("end");
    } finally {
      await closeAll();
      await pair.stop();
    }
  });

  it("moves a subscriber that stayed at an old master and cannot be probed, when the publisher has moved", async () => {
    const pair = await startRedisFailover();
    try {
      for (const client of [pair.first, pair.second]) {
        const rights = ["~*", "resetchannels", "&chat__node__*", "&chat__group__*", "+@all"];
        await client.call("ACL", "SETUSER", "app", "on", ">pw", ...rights);
      }
      const url = `redis://app:pw@${pair.host}:${pair.port}`;
      const layer = create(RedisPubSubLayer, { url, prefix: "chat" });
      const inbox = await member(layer);
      pair.lead("second");
      await pair.first.call("CLIENT", "KILL", "USER", "app", "TYPE", "normal");
      await until(async () => /greenroom-subscriber/.test(String(await pair.second.client("LIST"))));
      await until(() => layer.health.ok);
      await layer.groupSend("room", { type: "end" });
      await inbox.next("end");
    } finally {
      await closeAll();
      await pair.stop();
    }
  });

  for (const args of [[], ["--rename-command", "INFO", ""]]) {
    const how = args.length === 0 ? "" : ", without INFO";
    it(`moves a publisher that stayed at an old master when the subscriber has moved${how}`, async () => {
      const pair = await startRedisFailover(args);
      try {
        // Both servers are masters: the old one is cut off, and does not know of the failover.
        const layer = create(RedisPubSubLayer, { url: pair.url, prefix: "chat" });
        const inbox = await member(layer);
        pair.lead("second");
        await pair.first.call("CLIENT", "KILL", "TYPE", "pubsub");
        await until(async () => /greenroom-publisher/.test(String(await pair.second.client("LIST"))));
        await until(() => layer.health.ok);
        await layer.groupSend("room", { type: "end" });
        await inbox.next("end");
      } finally {
        await closeAll();
        await pair.stop();
      }
    });
  }
});
