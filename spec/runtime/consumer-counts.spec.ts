import { createServer } from "node:http";
import { expect } from "chai";
import { handlers, WebSocketConsumer } from "greenroom";
import { ConsumerCounts } from "../../runtime/consumer-counts.ts";
import { until } from "../layers/support/until.ts";
import { Client } from "../support/client.ts";
import { gate } from "../support/gate.ts";
import { chat, serve, stopServing } from "../support/serving.ts";
import { SessionClient } from "./support/session-client.ts";

describe("ConsumerCounts.close", () => {
  const closedBy = (by: "client" | "consumer", ...codes: readonly number[]) => {
    const counts = new ConsumerCounts();
    for (const code of codes) counts.close({ by, code });
    return counts.snapshot().closed;
  };

  it("does not let clients fill the table: it keeps the codes of RFC 6455 and of Greenroom", () => {
    expect(closedBy("client", 1000, 1006, 3008, 3999, 4000, 4999)).to.deep.equal({
      1000: 1,
      1006: 1,
      3008: 1,
      other: 3,
    });
  });

  it("keeps up to 100 codes of the application, also if a client repeats them", () => {
    const codes = Array.from({ length: 150 }, (_, index) => 4_000 + index);
    const closed = closedBy("consumer", ...codes);
    expect(Object.keys(closed)).to.have.length(101);
    expect(closed.other).to.equal(50);
    const counts = new ConsumerCounts();
    counts.close({ by: "consumer", code: 4001 });
    counts.close({ by: "client", code: 4001 });
    expect(counts.snapshot().closed).to.deep.equal({ 4001: 2 });
  });
});

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
    if (text === "leave") this.close(4001, "bye");
    else await this.groupSend("room", { type: "said", text });
  }
}

class Refusing extends WebSocketConsumer {
  override connect() {
    if (this.scope.query.has("fail")) throw new Error("no");
    this.reject(402, "Pay first");
  }
}

describe("The counters of a runtime", () => {
  afterEach(stopServing);

  async function mount() {
    const serving = await serve({ layers: chat() }, createServer());
    const { runtime } = serving;
    runtime.route("/room", Room);
    runtime.route("/refusing", Refusing);
    const guards = [() => ({ status: 401, reason: "Sign in" })];
    runtime.route("/guarded", Room, { guards });
    return serving;
  }

  it("count frames, bytes and messages of a consumer, and how its connections end", async () => {
    const { runtime, url } = await mount();
    const [one, other] = [await Client.open(`${url}/room`), await Client.open(`${url}/room`)];
    one.send("hello");
    for (const client of [one, other]) expect(await client.next()).to.equal("hello");
    one.send("leave");
    expect((await one.closed).code).to.equal(4001);
    other.websocket.close(4444);
    await until(() => runtime.size === 0);
    const { Room: counts } = runtime.counters().consumers;
    expect(counts).to.deep.include({ framesIn: 2, framesOut: 2, messagesIn: 2, messagesOut: 1 });
    expect(counts?.closed).to.deep.equal({ 4001: 1, other: 1 });
    // A text of 5 bytes has 2 bytes more from the server, and 6 from a client; a close frame has 2 bytes of code.
    expect(counts?.bytesOut).to.equal(2 * (2 + 5));
    expect(counts?.bytesIn).to.equal(2 * (6 + 5) + (6 + 2 + "bye".length) + (6 + 2));
  });

  it("count the bytes of a large frame once, although the socket is read in slices", async () => {
    const { runtime, url } = await mount();
    const client = await Client.open(`${url}/room`);
    client.send("x".repeat(60_000));
    await client.next();
    expect(runtime.counters().consumers.Room?.bytesIn).to.equal(60_000 + 8);
  });

  it("count bytes once that wait in the socket's buffer while the mailbox is full", async () => {
    const opened = gate();
    class Busy extends WebSocketConsumer {
      override receive() {
        return opened.opened;
      }
    }
    const { runtime, url } = await mount();
    runtime.route("/busy", Busy);
    const client = await Client.open(`${url}/busy`);
    for (let sent = 0; sent < 300; sent += 1) client.send("x".repeat(200));
    const counts = () => runtime.counters().consumers.Busy;
    await until(() => (counts()?.framesIn ?? 0) > 100);
    opened.open();
    await until(() => counts()?.framesIn === 300);
    expect(counts()?.bytesIn).to.equal(300 * (8 + 200));
  });

  it("count refused upgrades by cause and status", async () => {
    const { runtime, url, failures } = await mount();
    for (const path of ["/nothing", "/%zz", "/guarded", "/refusing", "/refusing?fail"])
      await Client.refused(url + path);
    await Client.refused(`${url}/room`, { origin: "https://elsewhere.example" });
    const { refused, refusals } = runtime.counters();
    expect(refusals).to.deep.include({
      route: { 404: 2 },
      guard: { 401: 1 },
      consumer: { 402: 1 },
      error: { 500: 1 },
      origin: { 403: 1 },
    });
    const statuses = Object.values(refusals).flatMap((counts) => Object.values(counts));
    expect(statuses.reduce((sum, count) => sum + count, 0)).to.equal(refused);
    expect(failures.map(({ stage }) => stage)).to.deep.equal(["connect"]);
  });

  it("count a session that ends while its client is away as lost", async () => {
    class Brief extends WebSocketConsumer {
      static override readonly session = { resumeMs: 1 };
    }
    const { runtime, url } = await mount();
    runtime.route("/brief", Brief);
    const client = await SessionClient.open(`${url}/brief`);
    await client.nextControl();
    client.websocket.terminate();
    await until(() => runtime.size === 0);
    expect(runtime.counters()).to.include({ lost: 1, resumed: 0 });
    expect(runtime.counters().consumers.Brief?.closed).to.deep.equal({ 1006: 1 });
  });
});
