import { expect } from "chai";
import { Redis } from "ioredis";
import { SimulatedClock } from "xstate";
import type { ChannelLayer } from "../../../layers/channel-layer.ts";
import {
  RedisPubSubLayer,
  type RedisPubSubLayerOptions,
  RedisStreamsLayer,
} from "../../../layers/redis/index.ts";
import { Recorder, Worker } from "../../../layers/testing/index.ts";
import { gate } from "../../support/gate.ts";
import { type RedisServer, startRedisServer } from "../../support/redis.ts";
import { until } from "../support/until.ts";

const prefix = "health";
const room = (name: string) => `${prefix}__group__${name}`;
const queue = `{${prefix}__queue__jobs}`;

describe("the health of a layer on a server that refuses commands", () => {
  let server: RedisServer;
  let admin: Redis;
  let layer: ChannelLayer;
  let errors: string[];
  beforeEach(async () => {
    server = await startRedisServer();
    admin = new Redis(server.url);
    await admin.call("ACL", "SETUSER", "node", "on", ">hunter2", "~*", "&*", "+@all");
    errors = [];
  });
  afterEach(async () => {
    await layer.close();
    admin.disconnect();
    await server.kill();
  });

  function start(
    Layer: new (options: RedisPubSubLayerOptions) => ChannelLayer,
    options: Partial<RedisPubSubLayerOptions> = {},
  ): void {
    const url = server.url.replace("//", "//node:hunter2@");
    const onError = (error: unknown) => errors.push((error as Error).message);
    layer = new Layer({ url, prefix, onError, ...options } as RedisPubSubLayerOptions);
  }

  const permit = (...rules: string[]) => admin.call("ACL", "SETUSER", "node", ...rules);

  /** Returns the error of a call that the server refuses. */
  async function refusal(call: Promise<unknown>): Promise<string> {
    const message = await call.then(
      () => expect.fail("It was not refused."),
      (error: Error) => error.message,
    );
    expect(message).to.include(`${server.host}:${server.port}`).and.not.include("hunter2");
    return message;
  }

  const reason = () => layer.health.reason ?? "";

  async function join(name: string): Promise<{ channel: string; inbox: Recorder }> {
    const inbox = new Recorder();
    const channel = await layer.newChannel(inbox);
    await layer.groupAdd(name, channel);
    return { channel, inbox };
  }

  it("names a channel that may not be published to, until a send to the channel succeeds", async () => {
    start(RedisPubSubLayer);
    await layer.ready();
    await permit(
      "resetchannels",
      `&${prefix}__node__*`,
      `&${prefix}__probe__*`,
      `&${prefix}__{kind}__*`,
      `&${room("open")}`,
    );
    const error = await refusal(layer.groupSend("shut", { type: "x", text: "the payload" }));
    expect(error).to.include(`refuses PUBLISH on "${room("shut")}" (publisher): NOPERM`);
    expect(layer.health).to.deep.equal({ ok: false, reason: error });
    await layer.groupSend("open", { type: "x" });
    expect(reason()).to.include(room("shut"));
    await permit("allchannels");
    await layer.groupSend("shut", { type: "x" });
    expect(layer.health).to.deep.equal({ ok: true });
  });

  it("is ok a minute after a channel was refused for the last time", async () => {
    const clock = new SimulatedClock();
    // The simulated hour between two probes never passes.
    start(RedisPubSubLayer, { clock, probeMs: 3_600_000 });
    await layer.ready();
    await permit("resetchannels", `&${prefix}__node__*`, `&${prefix}__probe__*`, `&${prefix}__{kind}__*`);
    await refusal(layer.groupSend("shut", { type: "x" }));
    clock.increment(59_999);
    expect(reason()).to.include(room("shut"));
    clock.increment(1);
    expect(layer.health).to.deep.equal({ ok: true });
  });

  it("names the command if the user may not publish at all", async () => {
    start(RedisPubSubLayer);
    await layer.ready();
    await permit("-publish");
    await refusal(layer.groupSend("one", { type: "x" }));
    expect(reason()).to.include('refuses PUBLISH on "').and.to.include("'publish' command");
    await permit("+publish");
    // A refusal of the command ends with any channel.
    await layer.groupSend("two", { type: "x" });
    expect(layer.health).to.deep.equal({ ok: true });
  });

  it("finds out without a send that the user may not publish", async () => {
    start(RedisPubSubLayer, { probeMs: 50 });
    await layer.ready();
    await permit("-publish");
    await until(() => reason().includes(`refuses PUBLISH on "${prefix}__probe__`));
    await permit("+publish");
    await until(() => layer.health.ok);
  });

  it("names a group that can no longer be subscribed, until its last member leaves", async () => {
    start(RedisPubSubLayer);
    const { channel } = await join("shut");
    await permit("resetchannels", `&${prefix}__node__*`, `&${prefix}__probe__*`, `&${prefix}__{kind}__*`);
    await until(() => reason().includes(`refuses SUBSCRIBE on "${room("shut")}" (subscriber): NOPERM`));
    await layer.groupDiscard("shut", channel);
    expect(layer.health).to.deep.equal({ ok: true });
  });

  it("names a group that may not be joined, until it may be", async () => {
    for (const Layer of [RedisPubSubLayer, RedisStreamsLayer]) {
      start(Layer);
      const { channel } = await join("open");
      await permit(
        "resetchannels",
        `&*${room("open")}*`,
        `&${prefix}__node__*`,
        `&${prefix}__probe__*`,
        `&${prefix}__{kind}__*`,
      );
      const error = await refusal(layer.groupAdd("shut", channel));
      expect(error).to.match(/refuses SUBSCRIBE on "\{?health__group__shut\}?" \(subscriber\): NOPERM/);
      await until(() => reason() === error);
      await permit("allchannels");
      await layer.groupAdd("shut", channel);
      await until(() => layer.health.ok);
      await layer.close();
    }
  });

  it("does not count a probe whose topic is not permitted, because the layer works without it", async () => {
    await permit("resetchannels", `&${prefix}__node__*`, `&${prefix}__group__*`);
    start(RedisPubSubLayer);
    await join("room");
    await until(() => errors.length > 0);
    expect(errors).to.have.length(1);
    expect(errors[0]).to.include(`refuses SUBSCRIBE on "${prefix}__probe__`);
    expect(layer.health).to.deep.equal({ ok: true });
  });

  it("names a stream that may not be written, and the key of a history that may not be read", async () => {
    start(RedisStreamsLayer);
    await layer.ready();
    await permit("resetkeys", `~{${room("open")}}*`);
    const stream = `{${room("shut")}}:stream`;
    expect(await refusal(layer.groupSend("shut", { type: "x" }))).to.include(`refuses EVAL on "${stream}"`);
    await layer.groupSend("open", { type: "x" });
    expect(reason()).to.include(stream);
    const unread = await refusal(layer.history("shut"));
    expect(unread).to.include(`refuses XREVRANGE on "${stream}"`);
    expect(reason()).to.equal(unread);
    await permit("allkeys");
    await layer.groupSend("shut", { type: "x" });
    await layer.history("shut");
    expect(layer.health).to.deep.equal({ ok: true });
  });

  it("names the reason while the server takes no new data, until it takes new data of any group", async () => {
    start(RedisStreamsLayer);
    await layer.groupSend("one", { type: "x" });
    await admin.config("SET", "maxmemory", "1");
    expect(await refusal(layer.groupSend("one", { type: "x" }))).to.include("OOM");
    const unjoined = await refusal(join("another"));
    expect(unjoined)
      .to.include(`EVALSHA on "{${room("another")}}:head"`)
      .and.to.include("OOM");
    expect(await refusal(layer.send("jobs", { type: "job" }))).to.include(`EVAL on "${queue}" (queues): OOM`);
    expect(reason()).to.include("OOM");
    await admin.config("SET", "maxmemory", "0");
    await layer.groupSend("two", { type: "x" });
    await layer.send("others", { type: "job" });
    expect(layer.health).to.deep.equal({ ok: true });
  });

  it("names the reason while the server takes no new data, although calls that add none succeed", async () => {
    start(RedisStreamsLayer, { queueCapacity: 1 });
    const { channel } = await join("known");
    await layer.send("full", { type: "job" });
    await admin.config("SET", "maxmemory", "1");
    const unsent = await refusal(layer.send("jobs", { type: "job" }));
    await layer.send("full", { type: "job" }).then(
      () => expect.fail("It was not refused."),
      (error) => expect(error).to.have.property("code", "ERR_QUEUE_FULL"),
    );
    expect(reason()).to.equal(unsent);
    const unjoined = await refusal(layer.groupAdd("another", channel));
    await layer.groupDiscard("known", channel);
    await layer.groupAdd("known", channel);
    expect(reason()).to.equal(unjoined);
  });

  it("names the queue of a worker that may not read, and reports it once", async () => {
    start(RedisStreamsLayer);
    const worker = new Worker();
    await layer.consume("jobs", worker.handle);
    await permit("-xreadgroup");
    // The read that blocks ends when a job arrives. The next one is refused.
    await layer.send("jobs", { type: "job", number: 1 });
    const refused = `refuses XREADGROUP on "${queue}" (queue-reader)`;
    await until(() => reason().includes(refused));
    const rejected = async () =>
      /cmdstat_xreadgroup:.*rejected_calls=(\d+)/.exec(await admin.info("commandstats"))?.[1];
    await until(async () => Number(await rejected()) >= 3);
    expect(errors.filter((message) => message.includes(refused))).to.have.length(1);
    await permit("+xreadgroup");
    await layer.send("jobs", { type: "job", number: 2 });
    await worker.hasBegun(2);
    await until(() => layer.health.ok);
  });

  it("names the queue of a worker that may not renew its claims, and reports it once", async () => {
    start(RedisStreamsLayer);
    const held = gate();
    const worker = new Worker(() => held.opened);
    // The claims are renewed three times per 600 ms.
    await layer.consume("jobs", worker.handle, { claimAfterMs: 600 });
    await layer.send("jobs", { type: "job", number: 1 });
    await worker.hasBegun(1);
    await permit("-xclaim");
    // The thread that gives life signs reports its own failures.
    const told = () => errors.filter((message) => message.includes(`refuses EVALSHA on "${queue}" (queues)`));
    await until(() => told().length > 0);
    expect(told()[0]).to.include("can't run this command");
    const count = async () =>
      /cmdstat_evalsha:.*failed_calls=(\d+)/.exec(await admin.info("commandstats"))?.[1];
    const before = Number(await count());
    await until(async () => Number(await count()) >= before + 2);
    expect(told()).to.have.length(1);
    expect(reason()).to.include(`refuses EVALSHA on "${queue}"`);
    await permit("+xclaim");
    await until(() => layer.health.ok);
    held.open();
  });

  it("is ok if a worker that could not report an outcome finds that the queue is gone", async () => {
    start(RedisStreamsLayer);
    const worker = new Worker();
    await permit("-xack");
    await layer.consume("jobs", worker.handle);
    await layer.send("jobs", { type: "job", number: 1 });
    await until(() => reason().includes(`refuses EVALSHA on "${queue}"`));
    await admin.del(queue);
    await permit("+xack");
    await until(() => layer.health.ok);
    expect(worker.begun).to.have.length(1);
  });

  it("does not count replies that only tell the state of a consumer group", async () => {
    start(RedisStreamsLayer);
    // The second consumption finds that the group exists.
    await layer.consume("jobs", () => {});
    await layer.consume("jobs", () => {});
    expect(layer.health).to.deep.equal({ ok: true });
  });
});

describe("the error of a command that the server does not know", () => {
  it("contains no payload", async () => {
    const server = await startRedisServer({ args: ["--rename-command", "PUBLISH", ""] });
    const layer = new RedisPubSubLayer({ url: server.url, prefix, onError() {} });
    const error = await layer.groupSend("room", { type: "x", text: "the payload" }).catch((reason) => reason);
    expect(error.message).to.include(`refuses PUBLISH on "${room("room")}"`);
    for (const text of [error.message, error.cause.message, layer.health.reason]) {
      expect(text).to.include("unknown command").and.not.include("payload").and.not.include("with args");
    }
    await layer.close();
    await server.stop();
  });
});
