import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { createRuntime, type Guard, MemoryLayer, WebSocketConsumer } from "greenroom";
import { SimulatedClock } from "xstate";
import { EventPublisher } from "../../../runtime/events/event-publisher.ts";
import { channels, runtimeEvents } from "../../../runtime/events/runtime-events.ts";
import { internals } from "../../../runtime/internals.ts";
import { until } from "../../layers/support/until.ts";
import { bundled } from "../../support/bundled.ts";
import { run } from "../../support/child-process.ts";
import { Client } from "../../support/client.ts";
import { RawClient } from "../../support/raw-client.ts";
import { chat, serve, stopServing } from "../../support/serving.ts";
import { opened, startCluster, stopCluster } from "../support/cluster.ts";
import { keepEvents } from "../support/events.ts";
import { SessionClient } from "../support/session-client.ts";

class Echo extends WebSocketConsumer {
  static override readonly layer = "chat";
  override async connect() {
    if (this.scope.query.has("reject")) this.reject(402, "Pay first");
  }
  override receive(text: string) {
    if (text === "fail") throw new TypeError("receive failed");
    if (text === "close") this.close(4001, "Enough");
    else this.send(text);
  }
}

const started = async (options: object = {}) => {
  const { runtime, url, failures } = await serve({ layers: chat(), ...options });
  runtime.route("/ws/:room", Echo);
  return { runtime, url, failures };
};

describe("The events of a runtime", () => {
  const events = keepEvents();
  afterEach(async () => {
    await stopServing();
    await stopCluster();
  });

  it("tell that a connection joined and closed, with its actor, client and exit", async () => {
    const { runtime, url } = await started();
    const client = await Client.open(`${url}/ws/tea?query`);
    const joined = await events.first("greenroom:connection.joined");
    expect(joined.actor).to.be.a("string").and.not.equal("");
    const who = {
      runtime: runtime.node,
      actor: joined.actor,
      consumer: "Echo",
      path: "/ws/tea",
      address: "127.0.0.1",
    };
    const name = "greenroom:connection.joined";
    expect(joined).to.deep.equal({ name, ...who });
    await client.close(4_321, "good bye");
    const { durationMs, ...closed } = await events.first("greenroom:connection.closed");
    const exit = { code: 4_321, reason: "good bye", by: "client" };
    expect(closed).to.deep.equal({ name: "greenroom:connection.closed", ...who, ...exit });
    expect(durationMs).to.be.within(0, 10_000);
    expect(events.all.map((event) => event.name)).to.deep.equal([name, "greenroom:connection.closed"]);
  });

  it("tell which party closed a connection, and an error as onError gets it", async () => {
    const { url, failures } = await started();
    (await Client.open(`${url}/ws/tea`)).send("close");
    expect(await events.first("greenroom:connection.closed")).to.include({ code: 4001, by: "consumer" });
    const client = await Client.open(`${url}/ws/tea`);
    client.send("fail");
    await client.closed;
    const { error, ...where } = await events.first("greenroom:error");
    expect(error).to.equal(failures[0]?.error);
    expect(where).to.include({ stage: "receive", consumer: "Echo", path: "/ws/tea" });
    const closed = events.all.filter((event) => event.name === "greenroom:connection.closed");
    expect(closed[1]).to.include({ code: 1011, by: "runtime" });
  });

  it("tell of each refusal: by the router, a guard, a consumer, the handshake, inside of a session", async () => {
    const guard: Guard = ({ query }) => (query.has("ban") ? { status: 403, reason: "Banned" } : undefined);
    const { runtime, url } = await started({ guards: [guard] });
    await Client.refused(`${url}/nothing`);
    await Client.refused(`${url}/ws/tea?ban`);
    await Client.refused(`${url}/ws/tea?reject`);
    const malformed = "GET /ws/tea HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    await (await RawClient.open(url, malformed)).rest();
    await (await SessionClient.open(`${url}/ws/tea?ban`)).closed;
    await (await SessionClient.open(`${url}/ws/tea?reject`)).closed;
    const refused = (status: number | undefined, reason: string, path: string, consumer?: string) => ({
      name: "greenroom:connection.refused",
      ...{ runtime: runtime.node, address: "127.0.0.1", status, reason, path, consumer },
    });
    expect(events.all).to.deep.equal([
      refused(404, "There is nothing at this path", "/nothing"),
      refused(403, "Banned", "/ws/tea"),
      refused(402, "Pay first", "/ws/tea", "Echo"),
      refused(undefined, "The handshake is malformed", "/ws/tea"),
      refused(403, "Banned", "/ws/tea"),
      refused(402, "Pay first", "/ws/tea", "Echo"),
    ]);
    expect(runtime.counters().refused).to.equal(events.all.length);
  });

  it("tell the address of a refused client behind a trusted proxy", async () => {
    const guard: Guard = () => ({ status: 403, reason: "Banned" });
    const { url } = await started({ guards: [guard], trustProxy: "loopback" });
    const headers = { "X-Forwarded-For": "203.0.113.1" };
    for (const path of ["/nothing", "/ws/tea"]) await Client.refused(url + path, { headers });
    const told = events.all.flatMap((event) =>
      event.name === "greenroom:connection.refused" ? [[event.status, event.address]] : [],
    );
    expect(told).to.deep.equal([404, 403].map((status) => [status, "203.0.113.1"]));
  });

  it("tell that a session is away, and that its client came back", async () => {
    const { url } = await started();
    const client = await SessionClient.open(`${url}/ws/tea`);
    const { session } = await client.nextControl();
    client.cut();
    expect(await events.first("greenroom:session.away")).to.include({ code: 1006, path: "/ws/tea" });
    const back = await SessionClient.resume(`${url}/ws/tea`, String(session), 1, 0);
    const resumed = await events.first("greenroom:session.resumed");
    expect(resumed).to.include({ consumer: "Echo", address: "127.0.0.1" });
    back.control({ c: "bye" });
    await back.close();
    const { actor, code } = await events.first("greenroom:connection.closed");
    expect([actor, code]).to.deep.equal([resumed.actor, 1005]);
    expect(events.all.map(({ name }) => name.replace("greenroom:", ""))).to.deep.equal([
      "connection.joined",
      "session.away",
      "session.resumed",
      "connection.closed",
    ]);
  });

  it("tell of the other nodes, and that the runtime closes", async () => {
    const [one, two] = await startCluster(2);
    await two.close();
    await until(() => events.all.some(({ name }) => name === "greenroom:node.left"));
    const ofNodes = events.all.filter(({ name }) => name !== "greenroom:error");
    expect(ofNodes).to.have.deep.members([
      { name: "greenroom:node.joined", runtime: one.node, node: two.node },
      { name: "greenroom:node.joined", runtime: two.node, node: one.node },
      { name: "greenroom:runtime.draining", runtime: two.node, connections: 0 },
      { name: "greenroom:node.left", runtime: one.node, node: two.node },
      { name: "greenroom:runtime.closed", runtime: two.node },
    ]);
    expect(ofNodes.at(-1)?.name).to.match(/left$|closed$/);
  });

  it("tell of a job that has failed for good, once", async () => {
    const runtime = opened(createRuntime({ layers: chat(), onError() {} }));
    const failure = new Error("no paper");
    const broken = async () => {
      throw failure;
    };
    await runtime.worker("print", broken, { attempts: 2 });
    const job = await runtime.submit("print", { type: "print" });
    expect(await events.first("greenroom:job.failed")).to.deep.equal({
      name: "greenroom:job.failed",
      runtime: runtime.node,
      ...{ channel: "print", job, attempt: 2, error: failure },
    });
    const attempts = events.all.filter(({ name }) => name === "greenroom:error");
    expect(attempts.map((event) => "attempt" in event && event.attempt)).to.deep.equal([1, 2]);
    await until(async () => (await runtime.layers.chat.inFlight) === 0);
    expect(events.all.filter(({ name }) => name === "greenroom:job.failed")).to.have.length(1);
  });

  it("have the texts of clients escaped and cut", async () => {
    const { url } = await started();
    const path = `/ws/${"x".repeat(600)}`;
    const client = await Client.open(`${url}${path}`);
    await client.close(4_000, "\u001b[2J\u009b\u202e\n");
    const closed = await events.first("greenroom:connection.closed");
    expect(closed.reason).to.equal("\\u001b[2J\\u009b\\u202e\\u000a");
    expect(closed.path).to.equal(`${path.slice(0, 500)}…`);
  });

  it("tell of hits of a limit at most once a second", () => {
    const clock = new SimulatedClock();
    const publisher = new EventPublisher(
      () => "node",
      clock,
      () => {},
    );
    const hit = (times: number) => {
      for (let time = 0; time < times; time += 1) publisher.limited("maxGroups");
    };
    hit(3);
    publisher.limited("maxAsksPerConnection");
    clock.increment(999);
    hit(1);
    clock.increment(1);
    hit(2);
    clock.increment(5_000);
    hit(1);
    const told = events.all.map((event) => "limit" in event && [event.limit, event.hits]);
    expect(told).to.deep.equal([
      ["maxGroups", 1],
      ["maxAsksPerConnection", 1],
      ["maxGroups", 4],
      ["maxGroups", 2],
    ]);
  });

  it("tell of each limit that the runtime counts", () => {
    const runtime = opened(createRuntime());
    runtime[internals].context.counters.limit("maxGroups");
    expect(events.all).to.deep.equal([
      { name: "greenroom:limit", runtime: runtime.node, limit: "maxGroups", hits: 1 },
    ]);
  });
});

describe("The subscribers of the events", () => {
  it("that throw or reject are reported, and hurt neither the connection nor the process", async () => {
    const program = fileURLToPath(new URL("../support/broken-subscribers.ts", import.meta.url));
    const { stdout, stderr } = await run(process.execPath, [await bundled(program)]);
    expect(stderr).to.equal("");
    const [said, reports] = [[] as string[], [] as string[]];
    for (const line of stdout.trim().split("\n")) (line.startsWith("event: ") ? reports : said).push(line);
    expect(said).to.deep.equal(["still here", "closed"]);
    const names = ["connection.joined", "connection.closed", "runtime.draining", "runtime.closed"];
    expect(reports).to.have.members(
      names.flatMap((name) => [`event: greenroom:${name} threw`, `event: greenroom:${name} rejected`]),
    );
  });

  it("cost nothing if there are none: no event is created", async () => {
    expect(runtimeEvents.filter((name) => channels[name].hasSubscribers)).to.deep.equal([]);
    let asked = 0;
    const ask = () => {
      asked += 1;
      return asked;
    };
    const clock = { setTimeout: ask, clearTimeout() {}, now: ask };
    const publisher = new EventPublisher(
      () => String(ask()),
      clock,
      () => {},
    );
    const actor = new Proxy({} as Parameters<EventPublisher["joined"]>[0], { get: ask });
    publisher.joined(actor);
    publisher.ended(actor, { code: 1000, reason: "", by: "client" }, true);
    publisher.away(actor, 1006, "");
    publisher.limited("maxGroups");
    publisher.failed(new Error("x"), { stage: "x" });
    publisher.watchHealth({ chat: new MemoryLayer() });
    await publisher.closed();
    expect(asked).to.equal(0);
  });
});
