import { createServer } from "node:http";
import { expect } from "chai";
import { contractConsumer, createRuntime, frames, handlers, MemoryLayer, WebSocketConsumer } from "greenroom";
import { contract } from "greenroom/contract";
import { collectMetrics, MetricsError } from "greenroom/metrics";
import { Registry } from "prom-client";
import { z } from "zod";
import { until } from "../layers/support/until.ts";
import { Client } from "../support/client.ts";
import { gate } from "../support/gate.ts";
import { closeServers, listening } from "../support/servers.ts";
import { chat, serve, stopServing } from "../support/serving.ts";
import { scrape, valuesOf } from "./support/scrape.ts";

class Room extends WebSocketConsumer<{ messages: { said: { text: string } } }> {
  static override readonly layer = "chat";
  static override readonly on = handlers<Room>({
    said({ text }) {
      this.send(text);
    },
  });
  override async connect() {
    await this.groupAdd("room");
  }
  override async receive(text: string) {
    for (const line of text.split("\n")) await this.groupSend("room", { type: "said", text: line });
    await this.groupSend("room", { type: "ignored" } as never);
  }
}

const echo = contract({ path: "/echo", client: { say: z.object({ text: z.string() }) }, server: {} });

describe("collectMetrics", () => {
  afterEach(async () => {
    await stopServing();
    await closeServers();
  });

  async function mount() {
    const serving = await serve({ layers: chat() });
    serving.runtime.route("/room", Room);
    return { ...serving, metrics: collectMetrics(serving.runtime) };
  }

  it("reads connections, traffic and the layer when it is scraped", async () => {
    const { url, metrics, runtime } = await mount();
    const clients = [await Client.open(`${url}/room`), await Client.open(`${url}/room`)];
    clients[0]?.send("hello");
    for (const client of clients) await client.next();
    await until(() => runtime.counters().dropped.unhandled === 2);
    const values = await scrape(metrics);
    expect(values).to.include({
      'greenroom_actors{consumer="Room",state="online"}': 2,
      'greenroom_actors{consumer="Room",state="closing"}': 0,
      'greenroom_frames_received_total{consumer="Room"}': 1,
      'greenroom_frames_sent_total{consumer="Room"}': 2,
      'greenroom_messages_received_total{consumer="Room"}': 4,
      'greenroom_messages_sent_total{consumer="Room"}': 2,
      'greenroom_dropped_total{reason="unhandled"}': 2,
      'greenroom_limited_total{limit="maxGroups"}': 0,
      'greenroom_layer_up{layer="chat"}': 1,
      greenroom_nodes: 1,
      greenroom_sessions_away: 0,
    });
    // Nodes send heartbeats, too.
    expect(values['greenroom_layer_publish_seconds_count{layer="chat"}']).to.be.at.least(2);
    expect(values['greenroom_layer_delivery_seconds_count{layer="chat"}']).to.be.at.least(2);
    expect(values['greenroom_event_loop_delay_seconds{statistic="max"}']).to.be.at.least(0);
  });

  it("measures handlers by type: each message that is delivered, and frames until their promises settle", async () => {
    const { url, metrics, runtime } = await mount();
    const client = await Client.open(`${url}/room`);
    client.send("1\n2\n3");
    for (const text of ["1", "2", "3"]) expect(await client.next()).to.equal(text);
    await until(() => runtime.counters().dropped.unhandled === 1);
    const values = await scrape(metrics);
    const count = (kind: string, type: string) =>
      values[`greenroom_handler_seconds_count{consumer="Room",kind="${kind}",type="${type}"}`] ?? 0;
    expect(count("message", "said") + count("message", "ignored") + count("message", "other")).to.equal(4);
    expect(count("frame", "")).to.equal(1);
  });

  it("counts a message without a handler as `other`, and names the frames of a contract", async () => {
    const opened = gate();
    class Echo extends contractConsumer(echo) {
      static override readonly frames = frames<Echo>({ say: () => opened.opened });
    }
    const { url, metrics, runtime } = await mount();
    runtime.route(Echo);
    const actor = await runtime.spawn(Room);
    await actor.send({ type: "unheard of" } as never);
    const client = await Client.open(`${url}/echo`);
    client.send('{"type":"say","text":"hello"}');
    client.send('{"type":"unknown"}');
    await until(() => runtime.counters().consumers.Echo?.framesIn === 2);
    const name = (rest: string) => `greenroom_handler_seconds_${rest}`;
    const before = await scrape(metrics);
    expect(before).not.to.have.property(name('count{consumer="Echo",kind="frame",type="say"}'));
    expect(before).to.include({
      [name('count{consumer="Room",kind="message",type="other"}')]: 1,
      'greenroom_mailbox_items{consumer="Echo"}': 1,
      'greenroom_mailbox_items_max{consumer="Echo"}': 1,
    });
    opened.open();
    await until(() => runtime.counters().refusedFrames["greenroom.unknown_type"] === 1);
    const after = await scrape(metrics);
    expect(after).to.include({
      [name('count{consumer="Echo",kind="frame",type="say"}')]: 1,
      [name('count{consumer="Echo",kind="frame",type=""}')]: 1,
      'greenroom_mailbox_wait_seconds_count{consumer="Echo"}': 1,
    });
  });

  it("counts the jobs of consumed queues, and their dead letters", async () => {
    const layer = new MemoryLayer();
    const runtime = createRuntime({ layers: { work: layer }, onError: () => {} });
    const metrics = collectMetrics(runtime);
    const running = gate();
    await layer.consume(
      "jobs",
      async ({ type }) => {
        if (type === "bad") throw new Error("no");
        await running.opened;
      },
      { concurrency: 2, maxDeliveries: 2, retryAfterMs: 0 },
    );
    for (const type of ["bad", "slow"]) await layer.send("jobs", { type });
    await until(() => layer.counters().dropped["dead-letter"] === 1 && layer.runningJobs.length === 1);
    const values = await scrape(metrics);
    expect(values).to.include({
      'greenroom_queue_jobs{layer="work",queue="jobs"}': 1,
      'greenroom_queue_jobs{layer="work",queue="jobs.dead"}': 1,
      'greenroom_queue_running{layer="work",queue="jobs"}': 1,
      'greenroom_layer_retried_total{layer="work"}': 1,
      'greenroom_layer_dropped_total{layer="work",reason="dead-letter"}': 1,
    });
    running.open();
    await runtime.close();
  });

  it("gives the metrics of a closed layer, without the sizes of queues that cannot be reached", async () => {
    const layer = new MemoryLayer();
    const runtime = createRuntime({ layers: { work: layer } });
    const metrics = collectMetrics(runtime);
    await layer.consume("jobs", () => {});
    await layer.close();
    const values = await scrape(metrics);
    expect(values).to.include({ 'greenroom_layer_up{layer="work"}': 0 });
    expect(Object.keys(values).filter((name) => name.startsWith("greenroom_queue_jobs"))).to.deep.equal([]);
    await runtime.close();
  });

  it("measures nothing after close, and can then be called again", async () => {
    const { metrics, runtime } = await mount();
    const publish = metrics.register.getSingleMetric("greenroom_layer_publish_seconds");
    metrics.close();
    metrics.close();
    expect(await metrics.register.metrics()).to.equal("\n");
    const before = await publish?.get();
    await runtime.layers.chat.groupSend("room", { type: "ignored" } as never);
    expect(await publish?.get()).to.deep.equal(before);
    const actor = await runtime.spawn(Room);
    await actor.send({ type: "said", text: "unmeasured" });
    const again = collectMetrics(runtime);
    metrics.close();
    const values = await scrape(again);
    expect(Object.keys(values).filter((name) => name.startsWith("greenroom_handler"))).to.deep.equal([]);
    expect(values['greenroom_layer_publish_seconds_count{layer="chat"}']).to.equal(0);
    await runtime.layers.chat.groupSend("room", { type: "ignored" } as never);
    expect((await scrape(again))['greenroom_layer_publish_seconds_count{layer="chat"}']).to.equal(1);
  });

  it("refuses a second collection, a malformed prefix, and a registry with the same metrics", async () => {
    const runtime = createRuntime();
    const register = new Registry();
    expect(() => collectMetrics(runtime, { prefix: "my-" })).to.throw(MetricsError, /"my-" cannot begin/);
    const first = collectMetrics(runtime, { register, prefix: "one_" });
    expect(() => collectMetrics(runtime)).to.throw(MetricsError, /collected already/);
    const other = createRuntime();
    const taken = () => collectMetrics(other, { register, prefix: "one_" });
    expect(taken).to.throw(MetricsError, /"one_actors" already/);
    first.close();
    expect(taken).not.to.throw();
    await Promise.all([runtime.close(), other.close()]);
  });

  it("serves a scrape to GET and HEAD on any path, and nothing on the server of the runtime", async () => {
    const { url, metrics } = await mount();
    const own = await listening(createServer(metrics.listener));
    const response = await fetch(`${own}/metrics`);
    expect(response.status).to.equal(200);
    expect(response.headers.get("content-type")).to.equal("text/plain; version=0.0.4; charset=utf-8");
    expect(valuesOf(await response.text())).to.include({ greenroom_nodes: 1 });
    const head = await fetch(`${own}/metrics`, { method: "HEAD" });
    expect([head.status, await head.text()]).to.deep.equal([200, ""]);
    expect((await fetch(own, { method: "POST", body: "x" })).status).to.equal(405);
    expect((await fetch(`${url}/metrics`)).status).to.equal(404);
  });

  it("answers 500 and reports if another metric of the registry fails", async () => {
    const { metrics, failures } = await mount();
    const own = await listening(createServer(metrics.listener));
    const broken = { name: "broken", get: () => Promise.reject(new Error("no value")) };
    metrics.register.registerMetric(broken as never);
    expect((await fetch(own)).status).to.equal(500);
    expect(failures.map(({ stage }) => stage)).to.deep.equal(["metrics"]);
  });
});
