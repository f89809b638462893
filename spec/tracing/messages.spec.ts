import { context, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { expect } from "chai";
import { createRuntime, MemoryBus, MemoryLayer } from "greenroom";
import { traceRuntime } from "greenroom/tracing";
import { until } from "../layers/support/until.ts";
import { opened, stopCluster } from "../runtime/support/cluster.ts";
import { Client } from "../support/client.ts";
import { stopServing } from "../support/serving.ts";
import type { RecordedSpans } from "./support/recorded-spans.ts";
import { register, unregister } from "./support/registered.ts";
import { Adder, ownTracer } from "./support/room.ts";
import { startTraced } from "./support/traced-server.ts";

describe("The trace of a message", () => {
  let recorded: RecordedSpans;
  beforeEach(() => {
    recorded = register();
  });
  afterEach(async () => {
    await stopServing();
    unregister();
  });

  it("makes a frame, its group send, and the delivery parts of one trace", async () => {
    const { url, spawnMembers } = await startTraced();
    await spawnMembers(1, "room");
    const client = await Client.open(url);
    client.send(`{"type":"say","text":"hi"}`);
    await client.next();
    const member = await recorded.first("Adder said");
    const [frame, sent, delivered] = [
      await recorded.first("Room say"),
      await recorded.first("groupSend said"),
      await recorded.first("deliver said"),
    ];
    const trail = [member, delivered, sent, frame];
    expect(trail.map(({ parentId }) => parentId)).to.deep.equal([
      delivered.spanId,
      sent.spanId,
      frame.spanId,
      undefined,
    ]);
    expect(new Set(trail.map(({ traceId }) => traceId)).size).to.equal(1);
    expect(trail.map(({ kind }) => kind)).to.deep.equal([
      SpanKind.CONSUMER,
      SpanKind.CONSUMER,
      SpanKind.PRODUCER,
      SpanKind.SERVER,
    ]);
  });

  it("does not record that a closing worker gives its job back as an error", async () => {
    const { runtime } = await startTraced();
    const worker = await runtime.worker("jobs", (_message, { signal }) => {
      ownTracer().startSpan("begun").end();
      return new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    });
    await runtime.submit("jobs", { type: "resize" });
    await recorded.first("begun");
    await worker.close();
    expect((await recorded.first("work jobs")).status.code).to.equal(SpanStatusCode.UNSET);
  });

  it("traces a direct send to an actor whose layer the sender does not have", async () => {
    const control = new MemoryBus();
    const options = { control: "control", onError() {} } as const;
    const near = opened(
      createRuntime({ ...options, layers: { control: new MemoryLayer({ bus: control }) } }),
    );
    const far = opened(
      createRuntime({
        ...options,
        layers: { control: new MemoryLayer({ bus: control }), chat: new MemoryLayer() },
      }),
    );
    for (const runtime of [near, far]) {
      traceRuntime(runtime);
      await runtime.ready();
    }
    const member = await far.spawn(Adder);
    await until(() => near.nodes.length === 2 && far.nodes.length === 2);
    const request = ownTracer().startSpan("request");
    await context.with(trace.setSpan(context.active(), request), () =>
      near.send(member.channel, { type: "add", number: 1 }),
    );
    request.end();
    const handled = await recorded.first("Adder add");
    expect(handled.parentId).to.equal((await recorded.first("send add")).spanId);
    expect(recorded.named("send add")).to.have.length(1);
    await stopCluster();
  });

  it("traces asks, asks of a group, and direct sends to actors of the node", async () => {
    const { url, spawnMembers } = await startTraced();
    await spawnMembers(1, "adders");
    const client = await Client.open(url);
    client.send(`{"type":"count"}`);
    expect(await client.next()).to.equal(`{"type":"counted","sum":4}`);
    await until(() => recorded.named("Adder add").length === 3);
    const frame = await recorded.first("Room count");
    const senders = [
      await recorded.first("askGroup add"),
      await recorded.first("ask add"),
      await recorded.first("send add"),
    ];
    expect(senders.map(({ parentId }) => parentId)).to.deep.equal([frame.spanId, frame.spanId, frame.spanId]);
    expect(senders.map(({ kind }) => kind)).to.deep.equal([
      SpanKind.CLIENT,
      SpanKind.CLIENT,
      SpanKind.PRODUCER,
    ]);
    const handled = recorded.named("Adder add");
    expect(handled.map(({ parentId }) => parentId)).to.deep.equal(senders.map(({ spanId }) => spanId));
    expect(handled.map(({ kind }) => kind)).to.deep.equal([
      SpanKind.SERVER,
      SpanKind.SERVER,
      SpanKind.CONSUMER,
    ]);
  });

  it("traces a job, each of its attempts, and what the submitter is told", async () => {
    const { runtime, url } = await startTraced();
    await runtime.worker("jobs", (_message, { attempt, progress }) => {
      if (attempt === 1) throw new Error("first attempt");
      progress("half");
      ownTracer().startSpan("resizing").end();
      return "done";
    });
    const client = await Client.open(url);
    client.send(`{"type":"work"}`);
    const done = await recorded.first("send job_done");
    const attempts = recorded.named("work jobs");
    const submitted = await recorded.first("submit jobs");
    expect(submitted.parentId).to.equal((await recorded.first("Room work")).spanId);
    expect(attempts.map(({ parentId }) => parentId)).to.deep.equal([submitted.spanId, submitted.spanId]);
    expect(attempts.map(({ attributes }) => attributes["greenroom.attempt"])).to.deep.equal([1, 2]);
    expect(attempts.map(({ status }) => status.message)).to.deep.equal(["first attempt", undefined]);
    const second = attempts[1]?.spanId;
    expect((await recorded.first("resizing")).parentId).to.equal(second);
    expect((await recorded.first("send job_progress")).parentId).to.equal(second);
    expect(done.parentId).to.equal(second);
  });

  it("begins a trace with a job that carries none", async () => {
    const { runtime } = await startTraced();
    await runtime.worker("jobs", () => ownTracer().startSpan("resizing").end());
    await runtime.submit("jobs", { type: "resize" });
    const job = await recorded.first("work jobs");
    expect(job.parentId).to.equal(undefined);
    expect((await recorded.first("resizing")).parentId).to.equal(job.spanId);
  });

  it("continues the trace of a span of the application, outside of actors", async () => {
    const { runtime, spawnMembers } = await startTraced();
    await spawnMembers(1, "room");
    const request = ownTracer().startSpan("request");
    await context.with(trace.setSpan(context.active(), request), () =>
      runtime.layers.chat.groupSend("room", { type: "said", text: "news" }),
    );
    request.end();
    const { traceId } = await recorded.first("Adder said");
    expect(traceId).to.equal((await recorded.first("request")).traceId);
  });

  it("begins no trace with a message that carries none", async () => {
    const { runtime, spawnMembers } = await startTraced();
    const [member] = await spawnMembers(1, "room");
    await runtime.layers.chat.groupSend("room", { type: "said", text: "news" });
    await runtime.send(member?.channel ?? "", { type: "said", text: "direct" });
    await until(() => recorded.named("of the member").length === 2);
    expect(recorded.named("of the member").map(({ parentId }) => parentId)).to.deep.equal([
      undefined,
      undefined,
    ]);
    expect(recorded.named("Adder said")).to.deep.equal([]);
  });

  it("does not take over the context of a sender into later work", async () => {
    const { runtime, spawnMembers } = await startTraced();
    const [member] = await spawnMembers(1, "room");
    const request = ownTracer().startSpan("request");
    // The traced message schedules the delivery of both.
    context.with(trace.setSpan(context.active(), request), () => member?.send({ type: "add", number: 1 }));
    member?.send({ type: "said", text: "untraced" });
    request.end();
    expect((await recorded.first("of the member")).parentId).to.equal(undefined);
    expect((await recorded.first("Adder add")).traceId).to.equal(request.spanContext().traceId);
    await until(() => recorded.open === 0);
    await runtime.close();
  });

  it("makes one span for a relayed message, with the number of recipients", async () => {
    const { url } = await startTraced();
    const clients = await Promise.all(Array.from({ length: 20 }, () => Client.open(url)));
    clients[0]?.send(`{"type":"say","text":"hi"}`);
    await Promise.all(clients.map((client) => client.next()));
    const { attributes, traceId } = await recorded.first("deliver said");
    expect(attributes["greenroom.recipients"]).to.equal(20);
    const names = recorded.spans.filter((other) => other.traceId === traceId).map(({ name }) => name);
    expect(names.sort()).to.deep.equal(["Room say", "deliver said", "groupSend said", "query"]);
  });

  it("makes spans for at most 32 handlers of a message, and the others are parts of the delivery's span", async () => {
    const { runtime, spawnMembers } = await startTraced();
    await spawnMembers(40, "room");
    const request = ownTracer().startSpan("request");
    await context.with(trace.setSpan(context.active(), request), () =>
      runtime.layers.chat.groupSend("room", { type: "said", text: "news" }),
    );
    const delivered = await recorded.first("deliver said");
    expect(recorded.named("Adder said")).to.have.length(32);
    const parents = recorded.named("of the member").map(({ parentId }) => parentId);
    expect(parents).to.have.length(40);
    expect(parents.filter((parent) => parent === delivered.spanId)).to.have.length(8);
  });

  it("does not trace the messages between runtimes", async () => {
    const { runtime, spawnMembers } = await startTraced();
    await spawnMembers(1, "room");
    const request = ownTracer().startSpan("request");
    await context.with(trace.setSpan(context.active(), request), () => runtime.count("tag"));
    await runtime.ready();
    request.end();
    const names = recorded.spans.map(({ name }) => name);
    expect(names.filter((name) => name.includes("greenroom."))).to.deep.equal([]);
  });

  it("ends the span of a delivery that the end of the layer cuts short", async () => {
    const { runtime } = await startTraced();
    const { chat } = runtime.layers;
    let delivered = 0;
    const deliver = () => {
      delivered += 1;
      const begun = performance.now();
      while (performance.now() - begun < 10);
      // Runs after this slice of the delivery, and before the next one.
      queueMicrotask(() => void chat.close());
    };
    const members = 20;
    for (let member = 0; member < members; member += 1)
      await chat.groupAdd("room", await chat.newChannel({ deliver, gap() {} }));
    const request = ownTracer().startSpan("request");
    await context.with(trace.setSpan(context.active(), request), () =>
      chat.groupSend("room", { type: "said", text: "news" }),
    );
    request.end();
    const { attributes } = await recorded.first("deliver said");
    expect(delivered).to.be.lessThan(members);
    expect([attributes["greenroom.recipients"], recorded.open]).to.deep.equal([delivered, 0]);
  });

  it("sends what fits without a trace, although it does not fit with a trace", async () => {
    const { runtime, spawnMembers } = await startTraced();
    await spawnMembers(1, "room");
    const text = "a".repeat(1024 * 1024 - 30);
    const request = ownTracer().startSpan("request");
    await context.with(trace.setSpan(context.active(), request), () =>
      runtime.layers.chat.groupSend("room", { type: "said", text }),
    );
    request.end();
    expect((await recorded.first("of the member")).parentId).to.equal(undefined);
    expect(runtime.layers.chat.counters().dropped).to.deep.equal({});
  });
});
