import { expect } from "chai";
import { Redis } from "ioredis";
import { RedisPubSubLayer, type RedisPubSubLayerOptions } from "../../layers/redis/index.ts";
import { decode } from "../../layers/wire/codec.ts";
import { until } from "../layers/support/until.ts";
import { type RedisServer, startRedisServer } from "../support/redis.ts";
import { type Direction, startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";
import { publishFor } from "./support/heap.ts";
import { Ledger } from "./support/ledger.ts";
import { through } from "./support/through.ts";
import { Traffic } from "./support/traffic.ts";

/**
 * Sends numbered messages to members on two nodes during each fault, and checks that each message arrives
 * once or is covered by a gap.
 */
describe("RedisPubSubLayer under faults", () => {
  let server: RedisServer;
  let raw: Redis;
  let layers: RedisPubSubLayer[];
  let proxies: TcpProxy[];
  beforeEach(async () => {
    server = await startRedisServer();
    raw = connectRaw();
    layers = [];
    proxies = [];
  });
  afterEach(async () => {
    await Promise.all(layers.map((layer) => layer.close()));
    await Promise.all(proxies.map((proxy) => proxy.close()));
    raw.disconnect();
    await server.kill();
  });

  function connectRaw(): Redis {
    const client = new Redis(server.url, { retryStrategy: null });
    client.on("error", () => {});
    return client;
  }

  /** By default, only a broken connection is a fault: the layer is patient with a server that is slow. */
  function startLayer(options: Partial<RedisPubSubLayerOptions> = {}): RedisPubSubLayer {
    const times = { probeMs: 200, connectTimeoutMs: 20_000 };
    const layer = new RedisPubSubLayer({
      url: server.url,
      prefix: "chat",
      ...times,
      onError() {},
      ...options,
    });
    layers.push(layer);
    return layer;
  }

  /** For the faults that only silence shows. */
  const impatient = { connectTimeoutMs: 1_000 };

  async function behindProxy(
    options: Partial<RedisPubSubLayerOptions> = {},
  ): Promise<{ proxy: TcpProxy; layer: RedisPubSubLayer }> {
    const proxy = await startTcpProxy(server.port);
    proxies.push(proxy);
    return { proxy, layer: startLayer({ url: `redis://127.0.0.1:${proxy.port}`, ...options }) };
  }

  async function join(layer: RedisPubSubLayer, group = "room"): Promise<Ledger> {
    const ledger = new Ledger();
    await layer.groupAdd(group, await layer.newChannel(ledger));
    return ledger;
  }

  const areWell = () => until(() => layers.every(({ health }) => health.ok));

  it("loses nothing silently when the server is killed and comes back", async () => {
    const [sender, receiver] = [startLayer(), startLayer()];
    const ledgers = [await join(sender), await join(receiver)];
    await through(sender, layers, ledgers, async () => {
      await server.kill();
      await Promise.all(layers.map((layer) => until(() => !layer.health.ok)));
      server = await startRedisServer({ port: server.port });
      raw = connectRaw();
    });
    expect(ledgers.map(({ gaps, directGaps }) => [gaps, directGaps.length])).to.deep.equal([
      [1, 1],
      [1, 1],
    ]);
  });

  it("loses nothing silently, and delivers nothing stale, when the server freezes for 5 s", async () => {
    const [sender, receiver] = [startLayer(impatient), startLayer(impatient)];
    const ledgers = [await join(sender), await join(receiver)];
    const traffic = await through(sender, layers, ledgers, async () => {
      await server.pause();
      await new Promise((resolve) => setTimeout(resolve, 5_000));
      await server.resume();
    });
    expect(traffic.refused.length).to.be.greaterThan(1_000);
  });

  it("publishes no rejected message after a later one when a frozen server resumes", async () => {
    const sender = startLayer(impatient);
    await sender.ready();
    const numbers: number[] = [];
    let ended = false;
    // This client stays connected during the freeze, and receives everything that the server publishes.
    raw.on("messageBuffer", (_topic, payload) => {
      const { message } = decode(payload);
      if (message.type === "end") ended = true;
      else numbers.push(Number(message.number));
    });
    await raw.subscribe("chat__group__room");
    const send = (number: number) =>
      sender.groupSend("room", { type: "number", number, padding: new Uint8Array(200) });
    await server.pause();
    const frozen = Array.from({ length: 20_000 }, (_, number) => send(number).catch(() => {}));
    await Promise.all(frozen);
    await server.resume();
    await until(() => sender.health.ok);
    for (let number = frozen.length; number < frozen.length + 100; number += 1) await send(number);
    await sender.groupSend("room", { type: "end" });
    await until(() => ended);
    // When the server replies, it has executed all earlier commands.
    await raw.ping();
    expect(numbers.slice(-100)).to.deep.equal(
      Array.from({ length: 100 }, (_, index) => frozen.length + index),
    );
    expect(numbers).to.deep.equal([...numbers].sort((a, b) => a - b));
  });

  it("loses nothing silently when its subscriptions are killed", async () => {
    const [sender, receiver] = [startLayer(), startLayer()];
    const ledgers = [await join(sender), await join(receiver)];
    const traffic = await through(sender, layers, ledgers, () =>
      raw.call("CLIENT", "KILL", "TYPE", "pubsub"),
    );
    expect(ledgers.map(({ gaps, directGaps }) => [gaps, directGaps.length])).to.deep.equal([
      [1, 1],
      [1, 1],
    ]);
    expect(traffic.refused).to.deep.equal([]);
  });

  it("loses nothing silently when each of its connections is killed repeatedly", async () => {
    const [sender, receiver] = [startLayer(), startLayer()];
    const ledgers = [await join(sender), await join(receiver)];
    const ours = async () => {
      const lines = String(await raw.client("LIST")).split("\n");
      return lines.flatMap((line) => /^id=(\d+).* name=greenroom-/.exec(line)?.[1] ?? []);
    };
    await through(sender, layers, ledgers, async () => {
      for (let round = 0; round < 3; round += 1) {
        const all = await ours();
        expect(all).to.have.length(4);
        for (const id of all) {
          await raw.call("CLIENT", "KILL", "ID", id);
          await until(async () => {
            const now = await ours();
            return now.length === 4 && !now.includes(id);
          });
        }
      }
    });
    for (const { gaps } of ledgers) expect(gaps).to.be.within(1, 3);
  });

  it("is not affected by a FLUSHALL, which deletes keys only", async () => {
    const [sender, receiver] = [startLayer(), startLayer()];
    const ledgers = [await join(sender), await join(receiver)];
    using traffic = new Traffic(sender, "room");
    await traffic.flows();
    await raw.flushall();
    await traffic.flows();
    await traffic.end();
    for (const ledger of ledgers) {
      await ledger.ended();
      expect(ledger.lines).to.deep.equal(traffic.accepted);
    }
  });

  it("keeps 1,000 groups when its subscriptions are killed twice while they are restored", async () => {
    const [sender, receiver] = [startLayer({ probeMs: 60_000 }), startLayer({ probeMs: 60_000 })];
    const groups = ["room", ...Array.from({ length: 999 }, (_, index) => `room-${index}`)];
    const ledgers = await Promise.all(groups.map((group) => join(receiver, group)));
    await through(sender, layers, ledgers.slice(0, 1), async () => {
      await raw.call("CLIENT", "KILL", "TYPE", "pubsub");
      for (let again = 0; again < 2; again += 1) {
        // Kills the new subscriber connections as soon as the server has at least one.
        await until(async () => ((await raw.call("CLIENT", "KILL", "TYPE", "pubsub")) as number) > 0);
      }
      await until(() => ledgers.every(({ gaps }) => gaps > 0));
      await until(async () => {
        const topics = (await raw.pubsub("CHANNELS", "chat__group__*")) as string[];
        return topics.length === groups.length;
      });
    });
    for (const { gaps } of ledgers) expect(gaps).to.be.within(1, 3);
  });

  it("loses nothing silently when the server disconnects a slow subscriber", async () => {
    await raw.config("SET", "client-output-buffer-limit", "pubsub 65536 0 0");
    const [sender, receiver] = [startLayer(), startLayer()];
    const ledgers = [await join(sender), await join(receiver)];
    await through(sender, layers, ledgers, () =>
      sender.groupSend("room", { type: "number", number: 0, padding: new Uint8Array(200_000) }),
    );
    expect(ledgers.map(({ gaps }) => gaps)).to.deep.equal([1, 1]);
  });

  it("loses nothing silently when the server loses all its subscriptions", async () => {
    const sender = startLayer();
    const { proxy, layer: receiver } = await behindProxy();
    const ledgers = [await join(receiver)];
    await through(sender, layers, ledgers, async () => proxy.inject("*1\r\n$11\r\nUNSUBSCRIBE\r\n"));
    expect(ledgers.map(({ gaps, directGaps }) => [gaps, directGaps.length])).to.deep.equal([[1, 1]]);
  });

  const paths: Record<string, { directions: Direction[]; only?: string }> = {
    "all that it sends": { directions: ["up"] },
    "all that it receives": { directions: ["down"] },
    "both directions": { directions: ["up", "down"] },
    "all that its subscriber sends": { directions: ["up"], only: "greenroom-subscriber" },
    "all that its subscriber receives": { directions: ["down"], only: "greenroom-subscriber" },
  };
  for (const [what, { directions, only }] of Object.entries(paths)) {
    it(`loses nothing silently when the network swallows ${what}, and is unhealthy meanwhile`, async () => {
      const sender = startLayer();
      const { proxy, layer: receiver } = await behindProxy(impatient);
      const ledgers = [await join(receiver)];
      await through(sender, layers, ledgers, async () => {
        proxy.swallow(directions, only);
        await until(() => !receiver.health.ok);
        expect(receiver.health.reason).to.include(`127.0.0.1:${proxy.port}`);
        proxy.heal();
      });
      expect(ledgers.map(({ gaps, directGaps }) => [gaps, directGaps.length])).to.deep.equal([[1, 1]]);
      expect(receiver.counters().dropped).not.to.have.property("garbage");
    });
  }

  it("keeps the heap bounded through an outage of 30 s with publishers, and replays nothing", async () => {
    const [sender, receiver] = [startLayer(), startLayer()];
    const ledger = await join(receiver);
    await sender.ready();
    await server.kill();
    await Promise.all(layers.map((layer) => until(() => !layer.health.ok)));
    const { sent, refused, grown } = await publishFor(30_000, (number) =>
      sender.groupSend("room", { type: "number", number, padding: new Uint8Array(1_000) }),
    );
    expect(refused).to.equal(sent);
    server = await startRedisServer({ port: server.port });
    raw = connectRaw();
    await areWell();
    await until(() => ledger.gaps === 1);
    await sender.groupSend("room", { type: "end" });
    await ledger.ended();
    expect(ledger.numbers).to.deep.equal([]);
    expect(sent).to.be.greaterThan(50_000);
    expect(sender.counters().dropped.unavailable).to.equal(sent);
    expect(grown).to.be.lessThan(8 * 1024 * 1024);
  });

  it("skips and counts garbage, and delivers the messages between it", async () => {
    const [sender, receiver] = [startLayer(), startLayer()];
    const ledger = await join(receiver);
    using traffic = new Traffic(sender, "room");
    const pieces = ["", "c1", "dfffffffff", "91".repeat(5_000), "81a474797065c0"];
    for (let round = 0; round < 20; round += 1) {
      for (const hex of pieces) await raw.publish("chat__group__room", Buffer.from(hex, "hex"));
    }
    for (const topic of (await raw.pubsub("CHANNELS", "chat__probe__*")) as string[]) {
      await raw.publish(topic, "garbage");
    }
    await traffic.flows();
    await traffic.end();
    await ledger.ended();
    expect(ledger.numbers).to.deep.equal(traffic.accepted);
    expect(ledger.gaps).to.equal(0);
    expect(receiver.counters().dropped).to.deep.equal({ garbage: 20 * pieces.length });
    // Neither heartbeats nor other payloads on the heartbeat's topic are counted.
    expect(receiver.counters().received).to.equal(traffic.accepted.length + 1 + 20 * pieces.length);
  });
});
