import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { type ChannelLayer, createRuntime } from "greenroom";
import { RedisPubSubLayer, RedisStreamsLayer } from "greenroom/redis";
import { until } from "../../layers/support/until.ts";
import { bundled } from "../../support/bundled.ts";
import { startProcess } from "../../support/child-process.ts";
import { redisUrl } from "../../support/redis.ts";
import { Clerk, opened, query, stopCluster } from "../support/cluster.ts";

/** After 1.5 intervals without its own echo, a node forgives the others: long, because machines are busy. */
const nodeHeartbeatMs = 1_000;

describe("Nodes in separate processes, on Redis", function () {
  this.timeout(60_000);
  let program = "";
  before(async () => {
    program = await bundled(fileURLToPath(new URL("../support/node.ts", import.meta.url)));
  });
  afterEach(stopCluster);

  async function start(kind: "pubsub" | "streams" = "pubsub") {
    const prefix = randomUUID();
    const options = { url: redisUrl(), prefix };
    const chat: ChannelLayer =
      kind === "streams" ? new RedisStreamsLayer(options) : new RedisPubSubLayer(options);
    const layers = { chat };
    const runtime = opened(createRuntime({ layers, nodeHeartbeatMs, onError() {} }));
    await runtime.ready();
    let channel = "";
    const args = [program, kind, redisUrl(), prefix, `${nodeHeartbeatMs}`];
    const child = await startProcess(process.execPath, args, (line) => {
      channel = /^ready (.+)/.exec(line)?.[1] ?? channel;
      return line.startsWith("ready ");
    });
    await until(() => runtime.nodes.length === 2 && runtime.presenceCount("lobby") === 1);
    const there = runtime.nodes[1] ?? "";
    return { runtime, child, channel, there };
  }

  for (const kind of ["pubsub", "streams"] as const) {
    it(`list a killed node as missing, and remove it within its lease, over ${kind}`, () => killOne(kind));
  }

  async function killOne(kind: "pubsub" | "streams") {
    const { runtime, child, channel, there } = await start(kind);
    const here = await runtime.spawn(Clerk, query("group=clerks&tag=user.42"));
    expect(await runtime.ask(channel, { type: "add", numbers: [1, 2] })).to.equal(3);
    await runtime.send(channel, { type: "note", text: "hello" });
    const before = await runtime.askGroup("clerks", { type: "add", numbers: [5] });
    expect([before.replies.length, before.failures, before.missing]).to.deep.equal([2, [], []]);
    expect(await runtime.count("user.42")).to.deep.equal({ count: 2, missing: [] });

    process.kill(child.pid, "SIGKILL");
    await child.exited;
    const killedAt = performance.now();
    const after = await runtime.askGroup("clerks", { type: "add", numbers: [5] }, { timeoutMs: 1_000 });
    expect(after.replies.map((reply) => reply.channel)).to.deep.equal([here.channel]);
    expect(after.missing).to.deep.equal([there]);
    await until(() => runtime.presenceCount("lobby") === 0);
    // The lease begins with the last heartbeat. Once it is over, the next echo of this node's own heartbeat
    // removes the other node. The extra second is for a busy machine.
    expect(performance.now() - killedAt).to.be.below((3 + 1) * nodeHeartbeatMs + 1_000);
    expect(runtime.nodes).to.deep.equal([runtime.node]);
    expect(await runtime.count("user.42")).to.deep.equal({ count: 1, missing: [] });
    const refusal = await runtime.ask(channel, { type: "note" }, { timeoutMs: 20 }).catch((error) => error);
    expect(refusal).to.have.property("code", "ERR_NO_SUCH_ACTOR");
  }

  it("remove a node at once if its process is terminated", async () => {
    const { runtime, child } = await start();
    const anne = await runtime.spawn(Clerk, query("tag=user.42"));
    expect((await runtime.disconnect("user.42", 4001, "Signed out")).count).to.equal(2);
    expect((await anne.done).code).to.equal(4001);
    await until(() => runtime.presenceCount("lobby") === 0);
    process.kill(child.pid, "SIGTERM");
    await until(() => runtime.nodes.length === 1);
    process.kill(child.pid, "SIGKILL");
    await child.exited;
  });
});
