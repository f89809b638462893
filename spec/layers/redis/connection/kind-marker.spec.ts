import { expect } from "chai";
import { Redis } from "ioredis";
import { LayerSetupError } from "../../../../layers/errors.ts";
import { RedisPubSubLayer, RedisStreamsLayer } from "../../../../layers/redis/index.ts";
import { type RedisServer, startRedisServer } from "../../../support/redis.ts";
import { until } from "../../support/until.ts";

describe("a pub/sub layer and a streams layer", () => {
  let server: RedisServer;
  let raw: Redis;
  let url: string;
  let layers: { close(): Promise<void> }[];
  beforeEach(async () => {
    server = await startRedisServer();
    raw = new Redis(server.url);
    url = server.url;
    layers = [];
  });
  afterEach(async () => {
    await Promise.all(layers.map((layer) => layer.close()));
    raw.disconnect();
    await server.kill();
  });

  /** Creates a layer. `reports` contains its errors about the set-up. */
  function create(Layer: typeof RedisPubSubLayer, prefix = "chat") {
    const reports: string[] = [];
    const onError = (error: unknown) => {
      if (error instanceof LayerSetupError) reports.push(error.message);
    };
    const layer = new Layer({ url, prefix, onError });
    layers.push(layer);
    return { layer, reports };
  }

  const kinds = [
    { first: RedisPubSubLayer, second: RedisStreamsLayer },
    { first: RedisStreamsLayer, second: RedisPubSubLayer },
  ];
  for (const { first, second } of kinds) {
    it(`report that a ${second.name} starts under the prefix of a ${first.name}`, async () => {
      const one = create(first);
      await one.layer.ready();
      const two = create(second);
      await two.layer.ready();
      expect(one.reports).to.be.empty;
      expect(two.reports).to.have.length(1);
      expect(two.reports[0])
        .to.match(/pub\/sub layer/)
        .and.to.match(/streams layer/)
        .and.to.include('the prefix "chat"')
        .and.to.include(`127.0.0.1:${server.port}`);
      expect(two.layer.health).to.deep.equal({ ok: true });
    });
  }

  it("report each other if they start together", async () => {
    const both = [create(RedisPubSubLayer), create(RedisStreamsLayer)];
    await Promise.all(both.map(({ layer }) => layer.ready()));
    expect(both.flatMap(({ reports }) => reports)).not.to.be.empty;
  });

  it("report a layer that has reconnected", async () => {
    const one = create(RedisPubSubLayer);
    await one.layer.ready();
    await raw.call("CLIENT", "KILL", "TYPE", "pubsub");
    await until(async () => (await raw.pubsub("CHANNELS", "chat__{kind}__*")).length === 1);
    const two = create(RedisStreamsLayer);
    await two.layer.ready();
    expect(two.reports).to.have.length(1);
  });

  it("report nothing under different prefixes, nor a layer of the same kind", async () => {
    const all = [
      create(RedisPubSubLayer, "one"),
      create(RedisPubSubLayer, "one"),
      create(RedisStreamsLayer, "two"),
      create(RedisStreamsLayer, "two"),
    ];
    for (const { layer } of all) await layer.ready();
    expect(all.flatMap(({ reports }) => reports)).to.be.empty;
  });

  it("report nothing after the other kind has been closed", async () => {
    const one = create(RedisPubSubLayer);
    await one.layer.ready();
    await one.layer.close();
    const two = create(RedisStreamsLayer);
    await two.layer.ready();
    expect(two.reports).to.be.empty;
  });

  it("work without a report if the user may not ask", async () => {
    const rights = ["~*", "resetchannels", "&chat__node__*", "&chat__probe__*", "+@all", "-pubsub"];
    await raw.call("ACL", "SETUSER", "app", "on", ">pw", ...rights);
    await create(RedisStreamsLayer).layer.ready();
    url = `redis://app:pw@127.0.0.1:${server.port}`;
    const two = create(RedisPubSubLayer);
    await two.layer.ready();
    expect(two.reports).to.be.empty;
    expect(two.layer.health).to.deep.equal({ ok: true });
  });
});
