import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { inspect } from "node:util";
import { expect } from "chai";
import { Redis } from "ioredis";
import { LayerUnavailableError } from "../../../../layers/errors.ts";
import { pubSub } from "../../../../layers/redis/connection/pubsub-commands.ts";
import { RedisPubSubLayer, type RedisPubSubLayerOptions } from "../../../../layers/redis/index.ts";
import { freePort } from "../../../support/free-port.ts";
import { type RedisSentinels, startRedisSentinels } from "../../../support/redis-sentinel.ts";
import { startTcpProxy } from "../../../support/tcp-proxy.ts";
import { until } from "../../support/until.ts";
import { describeRedisLayers } from "../support/describe-redis-layers.ts";

const password = "hunter2-secret";

describe("a layer over Sentinel", () => {
  let group: RedisSentinels;
  let raw: Redis;
  before(async function () {
    this.timeout(60_000);
    group = await startRedisSentinels({ password });
    raw = new Redis(group.master.url);
  });
  after(async () => {
    raw.disconnect();
    await group.stop();
  });

  const target = () => ({ sentinels: group.sentinels, name: group.name, redis: { password } });

  describeRedisLayers({ target, clients: () => [raw], clientOf: () => raw, commands: pubSub });

  /** Returns the error of `ready`. Checks that it does not contain the password. */
  async function failure(layer: RedisPubSubLayer): Promise<Error> {
    const error = await layer
      .ready()
      .then(
        () => expect.fail("It opened."),
        (reason: Error) => reason,
      )
      .finally(() => layer.close());
    expect(error).to.be.instanceOf(LayerUnavailableError);
    expect(inspect(error, { depth: 9, showHidden: true })).not.to.match(/hunter2/);
    return error;
  }

  it("names the Sentinels that do not reply", async () => {
    const port = await freePort();
    const sentinels = [{ host: "127.0.0.1", port }];
    const error = await failure(new RedisPubSubLayer({ ...target(), sentinels, prefix: "chat" }));
    expect(error.message)
      .to.include(`mymaster (by Sentinels 127.0.0.1:${port})`)
      .and.to.include("unreachable");
  });

  it("refuses the URL of a Sentinel, and names the options to use", async () => {
    const [{ host, port }] = group.sentinels as [{ host: string; port: number }];
    const error = await failure(
      new RedisPubSubLayer({ url: `redis://:${password}@${host}:${port}`, prefix: "chat" }),
    );
    expect(error.message).to.include("the server is a Sentinel: use the options `sentinels` and `name`");
  });

  it("reports an error of the master, without showing the password", async () => {
    const redis = { password: "hunter2-wrong" };
    const error = await failure(new RedisPubSubLayer({ ...target(), redis, prefix: "chat" }));
    expect(error.message).to.include("WRONGPASS");
  });

  it("can be closed while a Sentinel does not reply", async () => {
    const sockets: Socket[] = [];
    const silent = createServer((socket) => sockets.push(socket)).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const sentinels = [{ host: "127.0.0.1", port: (silent.address() as AddressInfo).port }];
    const layer = new RedisPubSubLayer({ ...target(), sentinels, prefix: "chat", connectTimeoutMs: 60_000 });
    const opening = layer.ready().catch((error: Error) => error);
    await until(() => sockets.length === 2);
    await layer.close();
    expect(await opening).to.have.property("code", "ERR_LAYER_CLOSED");
    for (const socket of sockets) socket.destroy();
    silent.close();
    await once(silent, "close");
  });

  /** Cuts the connections of a layer, and returns once the layer has reconnected. */
  async function reconnect(layer: RedisPubSubLayer): Promise<void> {
    const ids = async () => {
      const list = String(await raw.client("LIST"));
      return [...list.matchAll(/^id=(\d+) .* name=greenroom-(?:publisher|subscriber) /gm)].map(
        ([, id]) => id,
      );
    };
    const old = await ids();
    for (const id of old) await raw.call("CLIENT", "KILL", "ID", id ?? "");
    await until(async () => {
      const now = await ids();
      return now.length === 2 && now.every((id) => !old.includes(id)) && layer.health.ok;
    });
  }

  it("asks `credentials` for the login of the master at each attempt", async () => {
    let asked = 0;
    const credentials = async () => {
      asked += 1;
      return { password };
    };
    const errors: string[] = [];
    const onError = (error: unknown) => errors.push((error as Error).message);
    const layer = new RedisPubSubLayer({
      ...{ ...target(), redis: {} },
      ...{ credentials, prefix: "chat", onError },
    });
    await layer.ready();
    // More attempts than there are Sentinels, so that the list is read again from its start.
    for (let round = 0; round < 4; round += 1) await reconnect(layer);
    expect(asked).to.be.at.least(10);
    expect(errors.join("\n")).not.to.include("unreachable");
    await layer.close();
  });

  for (const [how, options] of [
    [
      "one is given",
      ({ sentinels, ...rest }: ReturnType<typeof target>) => ({ sentinels: sentinels.slice(0, 1), ...rest }),
    ],
    [
      "a template has one",
      ({ sentinels, name, redis }: ReturnType<typeof target>) => ({
        client: new Redis({ sentinels: [...sentinels.slice(0, 1)], name, ...redis, lazyConnect: true }),
      }),
    ],
  ] as const) {
    it(`remembers the Sentinels that were discovered, if ${how}`, async () => {
      const proxy = await startTcpProxy(group.sentinels[0]?.port ?? 0);
      const sentinels = [{ host: "127.0.0.1", port: proxy.port }];
      const layer = new RedisPubSubLayer({
        ...options({ ...target(), sentinels }),
        prefix: "chat",
        onError() {},
      } as RedisPubSubLayerOptions);
      await layer.ready();
      // The only Sentinel that the layer was given is gone.
      await proxy.close();
      await reconnect(layer);
      await layer.close();
    });
  }

  it("works with the Sentinels that do reply", async () => {
    const dead = { host: "127.0.0.1", port: await freePort() };
    const layer = new RedisPubSubLayer({
      ...target(),
      sentinels: [dead, ...group.sentinels],
      prefix: "chat",
    });
    await layer.ready();
    expect(layer.health).to.deep.equal({ ok: true });
    await layer.close();
  });
});
