import { randomBytes } from "node:crypto";
import { inspect } from "node:util";
import { expect } from "chai";
import { Redis } from "ioredis";
import { SimulatedClock } from "xstate";
import type { ChannelLayer } from "../../../../layers/channel-layer.ts";
import { LayerUnavailableError } from "../../../../layers/errors.ts";
import {
  type RedisCredentials,
  RedisPubSubLayer,
  type RedisPubSubLayerOptions,
  RedisStreamsLayer,
} from "../../../../layers/redis/index.ts";
import { Recorder } from "../../../../layers/testing/index.ts";
import { gate } from "../../../support/gate.ts";
import { type RedisServer, startRedisServer } from "../../../support/redis.ts";
import { until } from "../../support/until.ts";

describe("a login that changes", () => {
  let server: RedisServer;
  let admin: Redis;
  let token: string;
  let asked: number;
  let errors: Error[];
  let layers: ChannelLayer[];
  before(async () => {
    server = await startRedisServer();
    admin = new Redis(server.url);
  });
  after(async () => {
    admin.disconnect();
    await server.stop();
  });
  beforeEach(async () => {
    asked = 0;
    errors = [];
    layers = [];
    await admin.call("ACL", "SETUSER", "app", "reset", "on", "~*", "&*", "+@all");
    await rotate();
  });
  afterEach(() => Promise.all(layers.map((layer) => layer.close())));

  /** Replaces the password, and cuts the connections of its user. */
  async function rotate(): Promise<void> {
    token = `token-${randomBytes(6).toString("hex")}`;
    await admin.call("ACL", "SETUSER", "app", "resetpass", `>${token}`);
    await admin.call("CLIENT", "KILL", "USER", "app");
  }

  function start<L extends ChannelLayer>(
    Layer: new (options: RedisPubSubLayerOptions) => L,
    options: Partial<RedisPubSubLayerOptions>,
  ): L {
    const { host, port } = server;
    const shared = { url: `redis://app@${host}:${port}`, prefix: "rotation" };
    const target = "client" in options || "hosts" in options ? { prefix: "rotation" } : shared;
    const onError = (error: unknown) => errors.push(error as Error);
    const layer = new Layer({ ...target, onError, ...options } as RedisPubSubLayerOptions);
    layers.push(layer);
    return layer;
  }

  const current = (): RedisCredentials => {
    asked += 1;
    return { username: "app", password: token };
  };

  /** Checks that `layer` works, and works again after the password was replaced. */
  async function expectRotation(layer: ChannelLayer, connections = 2): Promise<void> {
    const inbox = new Recorder();
    await layer.groupAdd("room", await layer.newChannel(inbox));
    await layer.groupSend("room", { type: "before" });
    await inbox.next("before");
    const before = asked;
    await rotate();
    await until(() => asked >= before + connections && layer.health.ok);
    // The subscription is restored before the next message.
    await inbox.until(() => inbox.gaps.length > 0);
    await layer.groupSend("room", { type: "after" });
    await inbox.next("after");
    for (const error of errors)
      expect(inspect(error, { depth: 9, showHidden: true })).not.to.include("token-");
  }

  async function failure(layer: ChannelLayer): Promise<Error> {
    const error = await layer.ready().then(
      () => expect.fail("It opened."),
      (reason: Error) => reason,
    );
    expect(inspect(error, { depth: 9, showHidden: true })).not.to.include("token-");
    return error;
  }

  for (const Layer of [RedisPubSubLayer, RedisStreamsLayer]) {
    it(`is asked of \`credentials\` at each attempt of a ${Layer.name}`, async () => {
      await expectRotation(start(Layer, { credentials: current }));
    });

    it(`is asked of a function \`client\` at each attempt of a ${Layer.name}`, async () => {
      const { host, port } = server;
      const client = (options: object) => new Redis({ host, port, ...current(), ...options });
      await expectRotation(start(Layer, { client }));
    });
  }

  it("is asked with several hosts, and may be a promise", async () => {
    const hosts = [server.url, server.url.replace("127.0.0.1", "localhost")];
    await expectRotation(start(RedisPubSubLayer, { hosts, credentials: async () => current() }), 4);
  });

  it("is asked for the connections of queues", async () => {
    const layer = start(RedisStreamsLayer, { credentials: current });
    const done: unknown[] = [];
    await layer.consume("jobs", ({ number }) => void done.push(number));
    await layer.send("jobs", { type: "job", number: 1 });
    await until(() => done.length === 1);
    await rotate();
    await until(() => asked >= 8 && layer.health.ok);
    await layer.send("jobs", { type: "job", number: 2 });
    await until(() => done.length === 2);
    expect(done).to.deep.equal([1, 2]);
  });

  it("keeps the user of the URL if `credentials` returns a password only", async () => {
    const layer = start(RedisPubSubLayer, { credentials: () => ({ password: token }) });
    await layer.ready();
    expect(String(await admin.client("LIST"))).to.match(/name=greenroom-publisher .*user=app/);
  });

  it("is copied from a template at each attempt", async () => {
    const { host, port } = server;
    const client = new Redis({ host, port, username: "app", password: token, lazyConnect: true });
    const layer = start(RedisPubSubLayer, { client });
    await layer.ready();
    await rotate();
    await until(() => errors.some(({ message }) => message.includes("WRONGPASS")));
    client.options.password = token;
    await until(() => layer.health.ok);
    expect(client.status).to.equal("wait");
  });

  for (const [how, credentials] of [
    [
      "throws",
      () => {
        throw new Error(`vault sealed, ${token} has expired`);
      },
    ],
    ["rejects", () => Promise.reject(new Error(`vault sealed, ${token} has expired`))],
  ] as const) {
    it(`is an outage with a reason and without the password while \`credentials\` ${how}`, async () => {
      let isSealed = false;
      const layer = start(RedisPubSubLayer, { credentials: () => (isSealed ? credentials() : current()) });
      await layer.ready();
      isSealed = true;
      await admin.call("CLIENT", "KILL", "USER", "app");
      const told = () => errors.filter(({ message }) => message.includes("credentials() failed"));
      await until(() => told().length === 2 && !layer.health.ok);
      expect(layer.health.reason)
        .to.include(`${server.host}:${server.port}`)
        .and.to.include("credentials() failed: vault sealed, *** has expired");
      expect(inspect(errors, { depth: 9, showHidden: true })).not.to.include("token-");
      isSealed = false;
      await until(() => layer.health.ok);
    });
  }

  it("rejects `ready` if `credentials` fails, and asks again at the next call", async () => {
    let isSealed = true;
    const layer = start(RedisPubSubLayer, {
      credentials: () => (isSealed ? Promise.reject(new Error("vault sealed")) : current()),
    });
    const error = await failure(layer);
    expect(error).to.be.instanceOf(LayerUnavailableError);
    expect(error.message).to.include("credentials() failed: vault sealed");
    isSealed = false;
    await layer.ready();
  });

  it("is an outage while a function `client` throws", async () => {
    const { host, port } = server;
    let isSealed = false;
    const client = (options: object) => {
      if (isSealed) throw new Error("vault sealed");
      return new Redis({ host, port, ...current(), ...options });
    };
    const layer = start(RedisPubSubLayer, { client });
    await layer.ready();
    isSealed = true;
    await rotate();
    await until(() => layer.health.reason?.includes("client(options) failed: vault sealed") === true);
    isSealed = false;
    await until(() => layer.health.ok);
    isSealed = true;
    expect(await failure(start(RedisPubSubLayer, { client }))).to.be.instanceOf(LayerUnavailableError);
  });

  it("counts a `credentials` that does not settle against `connectTimeoutMs`", async () => {
    const credentials = () => new Promise<RedisCredentials>(() => {});
    const error = await failure(start(RedisPubSubLayer, { credentials, connectTimeoutMs: 50 }));
    expect(error).to.be.instanceOf(LayerUnavailableError);
    expect(error.message).to.include("no answer within 50 ms");
  });

  it("asks again if `credentials` does not settle during an outage", async () => {
    let hangs = 0;
    const held = gate();
    const credentials = async () => {
      if (hangs > 0) {
        hangs -= 1;
        await held.opened;
      }
      return current();
    };
    const clock = new SimulatedClock();
    const options = { credentials, clock, connectTimeoutMs: 60_000, probeMs: 3_600_000 };
    const layer = start(RedisPubSubLayer, options);
    await layer.ready();
    hangs = 2;
    await rotate();
    await until(() => hangs === 0);
    clock.increment(60_000);
    await until(() => layer.health.ok);
    expect(errors.map(({ message }) => message).join("\n")).to.include("no answer within 60000 ms");
    held.open();
  });

  it("can be closed while `credentials` does not settle", async () => {
    const layer = start(RedisPubSubLayer, {
      credentials: () => new Promise<RedisCredentials>(() => {}),
      connectTimeoutMs: 60_000,
    });
    const opening = layer.ready().catch((error: Error) => error);
    await layer.close();
    expect(await opening).to.have.property("code", "ERR_LAYER_CLOSED");
  });

  for (const [what, value] of [
    ["nothing", undefined],
    ["null", null],
    ["a text", "token-secret"],
    ["no password", { username: "app" }],
    ["a number as the password", { password: 7 }],
    ["a number as the user", { username: 7, password: "token-secret" }],
  ] as const) {
    it(`refuses ${what} as a login, and does not show it`, async () => {
      const credentials = (() => value) as unknown as () => RedisCredentials;
      const error = await failure(start(RedisPubSubLayer, { credentials }));
      expect(error).to.be.instanceOf(TypeError);
      expect(error.message).to.include("credentials() must return { password }");
    });
  }

  it("refuses a `credentials` that is not a function, or beside `client`", () => {
    const wrong = { password: "token-secret" } as unknown as () => RedisCredentials;
    expect(() => start(RedisPubSubLayer, { credentials: wrong })).to.throw(TypeError, "must be a function");
    expect(() => start(RedisPubSubLayer, { client: admin, credentials: current })).to.throw(
      TypeError,
      "cannot be combined with `client`",
    );
  });
});
