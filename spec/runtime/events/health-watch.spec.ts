import { randomUUID } from "node:crypto";
import { expect } from "chai";
import { createRuntime, MemoryLayer } from "greenroom";
import { RedisPubSubLayer } from "greenroom/redis";
import { SimulatedClock } from "xstate";
import { until } from "../../layers/support/until.ts";
import { startRedisServer } from "../../support/redis.ts";
import { opened, stopCluster } from "../support/cluster.ts";
import { keepEvents } from "../support/events.ts";

describe("The health of a runtime", function () {
  this.timeout(60_000);
  const events = keepEvents(["greenroom:layer.health"]);
  afterEach(stopCluster);

  it("follows a lost and recovered Redis, without its address, and each change has an event", async () => {
    let redis = await startRedisServer();
    const { port, url } = redis;
    const clock = new SimulatedClock();
    const chat = new RedisPubSubLayer({ url, prefix: randomUUID() });
    const memory = new MemoryLayer();
    const runtime = opened(
      createRuntime({ layers: { chat, memory }, control: "memory", clock, onError() {} }),
    );
    const layers = (ok: boolean) => ({ chat: { ok }, memory: { ok: true } });
    expect(runtime.health()).to.deep.equal({
      ok: false,
      status: "unavailable",
      layers: { chat: { ok: false }, memory: { ok: false } },
    });
    await runtime.ready();
    clock.increment(1_000);
    expect(events.all).to.deep.equal([]);
    expect(runtime.health()).to.deep.equal({ ok: true, status: "ok", layers: layers(true) });
    await redis.kill();
    await until(() => !chat.health.ok);
    expect(runtime.health()).to.deep.equal({ ok: false, status: "unavailable", layers: layers(false) });
    clock.increment(5_000);
    redis = await startRedisServer({ port });
    await until(() => chat.health.ok);
    clock.increment(5_000);
    const { node } = runtime;
    const [lost, back] = events.all;
    expect(events.all).to.have.length(2);
    expect(lost).to.include({ runtime: node, layer: "chat", ok: false });
    expect(lost).to.have.property("reason").that.contains(`127.0.0.1:${port}`);
    expect(back).to.include({ runtime: node, layer: "chat", ok: true, reason: undefined });
    await runtime.close();
    await redis.stop();
  });

  it("is draining from the call of close on, and has no events then", async () => {
    const clock = new SimulatedClock();
    const runtime = opened(createRuntime({ layers: { chat: new MemoryLayer() }, clock }));
    await runtime.ready();
    const closing = runtime.close();
    expect(runtime.health()).to.include({ ok: false, status: "draining" });
    await closing;
    clock.increment(5_000);
    expect(runtime.health()).to.include({ ok: false, status: "draining" });
    expect(events.all).to.deep.equal([]);
  });
});
