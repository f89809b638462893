import { SpanStatusCode } from "@opentelemetry/api";
import { AlwaysOffSampler, ParentBasedSampler } from "@opentelemetry/sdk-trace-node";
import { expect } from "chai";
import { traceRuntime } from "greenroom/tracing";
import { until } from "../layers/support/until.ts";
import { Client } from "../support/client.ts";
import { nextTurn } from "../support/next-turn.ts";
import { stopServing } from "../support/serving.ts";
import type { RecordedSpans } from "./support/recorded-spans.ts";
import { register, unregister } from "./support/registered.ts";
import { Lamp, ownTracer, Room } from "./support/room.ts";
import { startTraced } from "./support/traced-server.ts";

describe("traceRuntime", () => {
  let recorded: RecordedSpans;
  beforeEach(() => {
    recorded = register();
  });
  afterEach(async () => {
    await stopServing();
    unregister();
  });

  it("gives spans attributes, but not the path of the request", async () => {
    const { url } = await startTraced();
    const client = await Client.open(url);
    client.send(`{"type":"say","text":"hi"}`);
    await client.next();
    const { "greenroom.actor": actor, ...frame } = (await recorded.first("Room say")).attributes;
    expect(actor).to.be.a("string").that.is.not.empty;
    expect(frame).to.deep.equal({
      "greenroom.consumer": "Room",
      "http.route": "/room/:secret",
      "greenroom.message.type": "say",
    });
    const message = { "messaging.system": "greenroom", "messaging.destination.name": "room" };
    expect((await recorded.first("groupSend said")).attributes).to.deep.equal({
      ...message,
      "messaging.operation.name": "groupSend",
      "messaging.operation.type": "send",
      "greenroom.message.type": "said",
    });
    expect((await recorded.first("deliver said")).attributes).to.deep.equal({
      ...message,
      "messaging.operation.name": "deliver",
      "messaging.operation.type": "process",
      "greenroom.message.type": "said",
      "greenroom.recipients": 1,
    });
    expect(JSON.stringify(recorded.spans)).not.to.contain("s3cret");
  });

  it("makes the handler's span active, also after an await, and in connect", async () => {
    const { url, spawnMembers } = await startTraced();
    await spawnMembers(1, "room");
    const client = await Client.open(url);
    client.send(`{"type":"say","text":"hi"}`);
    await client.next();
    expect((await recorded.first("query")).parentId).to.equal((await recorded.first("Room say")).spanId);
    expect((await recorded.first("sign-in")).parentId).to.equal(
      (await recorded.first("Room connect")).spanId,
    );
    expect((await recorded.first("of the member")).parentId).to.equal(
      (await recorded.first("Adder said")).spanId,
    );
  });

  it("names the frames of a state machine with a contract", async () => {
    const { runtime } = await startTraced();
    const actor = await runtime.spawn(Lamp);
    actor.receive(`{"type":"press"}`);
    expect((await recorded.first("of the machine")).parentId).to.equal(
      (await recorded.first(`${Lamp.name} press`)).spanId,
    );
  });

  it("begins a trace for each frame, and one for each call of a timer", async () => {
    const { url } = await startTraced();
    const client = await Client.open(url);
    client.send(`{"type":"later"}`);
    const timer = await recorded.first("Room timer");
    expect(timer.parentId).to.equal(undefined);
    expect((await recorded.first("in the timer")).parentId).to.equal(timer.spanId);
    const traces = [timer, await recorded.first("Room later"), await recorded.first("Room connect")].map(
      ({ traceId }) => traceId,
    );
    expect(new Set(traces).size).to.equal(3);
  });

  it("does not take over the context of a timer into a message that waits for it", async () => {
    const { runtime } = await startTraced();
    const actor = await runtime.spawn(Room, { params: { secret: "a" } });
    let open = () => {};
    Room.gate = new Promise((resolve) => {
      open = resolve;
    });
    actor.receive(`{"type":"later"}`);
    await recorded.first("in the timer");
    actor.send({ type: "add", number: 1 });
    await nextTurn();
    await nextTurn();
    open();
    Room.gate = undefined;
    expect((await recorded.first("of the room")).parentId).to.equal(undefined);
  });

  it("records the error of a handler", async () => {
    const { url } = await startTraced();
    const client = await Client.open(url);
    client.send(`{"type":"fail"}`);
    const { status, attributes, events } = await recorded.first("Room fail");
    expect(status).to.deep.equal({ code: SpanStatusCode.ERROR, message: "no such room" });
    expect(attributes["error.type"]).to.equal("RangeError");
    expect(events.map(({ name }) => name)).to.deep.equal(["exception"]);
  });

  it("records the code with which a frame was refused, and not as an error", async () => {
    const { url } = await startTraced();
    const client = await Client.open(url);
    client.send(`{"type":"refuse"}`);
    const { status, attributes } = await recorded.first("Room refuse");
    expect(attributes["greenroom.refusal"]).to.equal("full");
    expect(status.code).to.equal(SpanStatusCode.UNSET);
    client.send(`{"type":"unknown"}`);
    expect((await recorded.first("Room receive")).attributes["greenroom.refusal"]).to.equal(
      "greenroom.unknown_type",
    );
  });

  it("records that a handler closes the connection, and the end of the connection", async () => {
    const { url } = await startTraced();
    const client = await Client.open(url);
    client.send(`{"type":"leave"}`);
    await client.closed;
    const closing = { "greenroom.close.by": "consumer", "greenroom.close.code": 4001 };
    expect((await recorded.first("Room leave")).events).to.deep.equal([
      { name: "greenroom.close", attributes: closing },
    ]);
    expect((await recorded.first("Room disconnect")).attributes).to.include(closing);
  });

  it("ends the span of a handler that is still pending when its connection has closed", async () => {
    const { runtime, url } = await startTraced();
    const client = await Client.open(url);
    client.send(`{"type":"hang"}`);
    await until(() => recorded.open === 1);
    await client.close(1000);
    const { events } = await recorded.first("Room hang");
    expect(events.map(({ name }) => name)).to.deep.equal(["greenroom.close", "greenroom.abandoned"]);
    await until(() => runtime.size === 0);
    expect(recorded.open).to.equal(0);
  });

  it("ends the spans of pending handlers when the tracing closes, and makes no more", async () => {
    const { runtime, url, tracing } = await startTraced();
    const client = await Client.open(url);
    client.send(`{"type":"hang"}`);
    await until(() => recorded.open === 1);
    tracing.close();
    tracing.close();
    expect(recorded.open).to.equal(0);
    const ofRoom = () => recorded.spans.filter(({ name }) => /^Room|said/.test(name)).length;
    const count = ofRoom();
    const other = await Client.open(url);
    other.send(`{"type":"say","text":"hi"}`);
    await other.next();
    await other.close();
    expect(ofRoom()).to.equal(count);
    traceRuntime(runtime).close();
  });

  it("records the status with which connect refuses a client, and not as an error", async () => {
    const { url } = await startTraced();
    expect((await Client.refused(url.replace("s3cret", "closed"))).status).to.equal(403);
    const { attributes, status, events } = await recorded.first("Room connect");
    expect(attributes["http.response.status_code"]).to.equal(403);
    expect(status.code).to.equal(SpanStatusCode.UNSET);
    expect(events.map(({ name }) => name)).to.deep.equal(["greenroom.close"]);
  });

  it("refuses to trace a runtime twice", async () => {
    const { runtime } = await startTraced();
    expect(() => traceRuntime(runtime)).to.throw("traced already");
  });

  it("links the span of connect to the client's span, which is not its parent", async () => {
    const { url } = await startTraced();
    const traceId = "0af7651916cd43dd8448eb211c80319c";
    const headers = { traceparent: `00-${traceId}-b7ad6b7169203331-01` };
    const client = await Client.open(url, [], { headers });
    const connect = await recorded.first("Room connect");
    expect(connect.links).to.deep.equal([traceId]);
    expect(connect.traceId).not.to.equal(traceId);
    expect(connect.parentId).to.equal(undefined);
    client.send(`{"type":"say","text":"hi","traceparent":"${headers.traceparent}"}`);
    expect((await recorded.first("Room say")).traceId).not.to.equal(traceId);
  });

  describe("with a sampler that samples no trace", () => {
    beforeEach(() => {
      unregister();
      recorded = register(new ParentBasedSampler({ root: new AlwaysOffSampler() }));
    });

    it("makes no span in handlers, for spans of the application or for jobs", async () => {
      const { runtime, url, spawnMembers } = await startTraced();
      await spawnMembers(1, "adders");
      const worked = new Promise<boolean>((resolve) => {
        void runtime.worker("jobs", () => resolve(ownTracer().startSpan("resizing").isRecording()));
      });
      const client = await Client.open(url);
      client.send(`{"type":"say","text":"hi"}`);
      client.send(`{"type":"count"}`);
      client.send(`{"type":"work"}`);
      await client.take(2);
      expect(await worked).to.equal(false);
      expect(recorded.spans).to.deep.equal([]);
    });
  });
});
