import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { Socket } from "node:net";
import { expect } from "chai";
import { type Clock, createRuntime, type Runtime, WebSocketConsumer } from "greenroom";
import { WebSocketServer } from "ws";
import { SimulatedClock } from "xstate";
import { until } from "../../layers/support/until.ts";
import { Client } from "../../support/client.ts";
import { gate } from "../../support/gate.ts";
import { nextTurn } from "../../support/next-turn.ts";
import { plainRequest, RawClient } from "../../support/raw-client.ts";
import { upgradeRequest } from "../../support/raw-websocket.ts";
import { closeServers, connectionsOf, listening } from "../../support/servers.ts";
import { CountingClock } from "../support/counting-clock.ts";

const limitMs = 5_000;
const names = ["end", "close", "error"] as const;

describe("leaveUpgrade", () => {
  let clock: SimulatedClock;
  let runtime: Runtime;
  let server: Server;
  let url: string;

  async function serve(timers: Clock): Promise<void> {
    runtime = createRuntime({ clock: timers });
    runtime.route("/ws", class extends WebSocketConsumer {});
    server = createServer();
    server.on("upgrade", () => {});
    runtime.attach(server);
    url = await listening(server, runtime);
  }

  beforeEach(() => {
    clock = new SimulatedClock();
    return serve(clock as Clock);
  });
  afterEach(closeServers);

  /** Sends an upgrade that the runtime leaves, and returns the client and the socket of the server. */
  async function left(request = upgradeRequest("/other")): Promise<{ client: RawClient; socket: Socket }> {
    const upgraded = once(server, "upgrade");
    const client = await RawClient.open(url, request);
    const [, socket] = await upgraded;
    return { client, socket };
  }

  for (const [name, request] of Object.entries({
    "a WebSocket upgrade": upgradeRequest("/other"),
    "an upgrade to another protocol": plainRequest("/ws", { Connection: "Upgrade", Upgrade: "h2c" }),
  })) {
    it(`answers ${name} with 404 and counts it, if no listener has answered in time`, async () => {
      const { client } = await left(request);
      clock.increment(limitMs - 1);
      expect([client.received, runtime.counters().dropped.unanswered]).to.deep.equal(["", 0]);
      clock.increment(1);
      expect(await client.rest()).to.match(
        /^HTTP\/1.1 404 .*No listener of this server answered the upgrade\n$/s,
      );
      expect(runtime.counters())
        .to.deep.include({ refused: 0 })
        .and.have.nested.property("dropped.unanswered", 1);
    });
  }

  it("lets the server close", async () => {
    await left();
    await runtime.close();
    const closed = new Promise((resolve) => server.close(resolve));
    clock.increment(limitMs);
    await closed;
  });

  it("frees the socket and the timer when the client leaves, and does not count it", async () => {
    const timers = new CountingClock();
    await serve(timers);
    const before = timers.timers;
    for (const leave of ["end", "destroy", "resetAndDestroy"] as const) {
      const { client, socket } = await left();
      client.socket[leave]();
      await until(() => socket.closed);
      expect(await connectionsOf(server)).to.equal(0);
      expect(timers.timers, leave).to.equal(before);
    }
    expect(runtime.counters().dropped.unanswered).to.equal(0);
  });

  it("frees the socket of a client that has sent data and left, at the deadline", async () => {
    const { client, socket } = await left(`${upgradeRequest("/other")}data`);
    await client.send("more data");
    client.socket.destroy();
    clock.increment(limitMs);
    await once(socket, "close");
    expect(runtime.counters().dropped.unanswered).to.equal(1);
  });

  it("does nothing to a socket that a listener answers, and leaves no listener or timer behind", async () => {
    const other = new WebSocketServer({ noServer: true });
    for (const isLate of [false, true]) {
      const counts: number[][] = [];
      for (const isAttached of [false, true]) {
        const timers = new CountingClock();
        await serve(timers);
        const before = timers.timers;
        if (!isAttached) await runtime.close();
        const accepting = gate();
        server.on("upgrade", async (request, socket, head) => {
          if (isLate) await accepting.opened;
          other.handleUpgrade(request, socket, head, (websocket) =>
            websocket.on("message", () => websocket.send("echo")),
          );
        });
        const upgraded = once(server, "upgrade");
        const client = new Client(`${url}/other`);
        const [, socket] = await upgraded;
        accepting.open();
        await once(client.websocket, "open");
        counts.push(names.map((event) => socket.listenerCount(event)));
        expect(timers.timers, "timers").to.equal(isLate && isAttached ? before + 1 : isAttached ? before : 0);
        client.send("?");
        expect(await client.next()).to.equal("echo");
        client.websocket.terminate();
      }
      // An attached runtime also counts the connections of its server until they close.
      const [end = 0, close = 0, error = 0] = counts[0] ?? [];
      if (!isLate) expect(counts[1]).to.deep.equal([end, close + 1, error]);
    }
  });

  it("ends its watch at the deadline if a listener has answered late", async () => {
    const accepting = gate();
    const other = new WebSocketServer({ noServer: true });
    server.on("upgrade", async (request, socket, head) => {
      await accepting.opened;
      other.handleUpgrade(request, socket, head, (websocket) =>
        websocket.on("message", () => websocket.send("echo")),
      );
    });
    const upgraded = once(server, "upgrade");
    const client = new Client(`${url}/other`);
    const [, socket] = await upgraded;
    accepting.open();
    await once(client.websocket, "open");
    const before = names.map((event) => socket.listenerCount(event));
    clock.increment(limitMs);
    expect(names.map((event) => socket.listenerCount(event))).to.deep.equal(before.map((count) => count - 1));
    client.send("?");
    expect(await client.next()).to.equal("echo");
    client.websocket.terminate();
    expect(runtime.counters().dropped.unanswered).to.equal(0);
  });

  it("does not destroy a socket that a listener has answered when the client ends", async () => {
    const { client, socket } = await left();
    socket.write("HTTP/1.1 101 other\r\n\r\n");
    await client.until(/101/);
    client.socket.end();
    await once(socket.resume(), "end");
    expect(socket.destroyed).to.equal(false);
    socket.end("the rest");
    expect(await client.rest()).to.match(/the rest$/);
  });

  it("keeps a listener for errors on an answered socket that has no other", async () => {
    const { client, socket } = await left();
    socket.write("HTTP/1.1 101 other\r\n\r\n");
    await client.until(/101/);
    clock.increment(limitMs);
    expect(names.map((event) => socket.listenerCount(event))).to.deep.equal([1, 1, 1]);
    socket.destroy(new Error("broken"));
    await client.rest();
  });

  it("does not watch an upgrade that another runtime is about to answer", async () => {
    const [guarding, asked] = [gate(), gate()];
    const guard = () => {
      asked.open();
      return guarding.opened;
    };
    await using other = createRuntime({ guards: [guard] });
    other.route("/other", class extends WebSocketConsumer {});
    server.on("upgrade", (...upgrade) => other.handleUpgrade(...upgrade));
    const client = new Client(`${url}/other`);
    await asked.opened;
    clock.increment(limitMs);
    guarding.open();
    await once(client.websocket, "open");
    client.websocket.terminate();
    expect(runtime.counters().dropped.unanswered).to.equal(0);
  });

  it("leaves an upgrade alone that another runtime has taken over late, and is about to answer", async () => {
    const [guarding, asked, taking] = [gate(), gate(), gate()];
    const guard = () => {
      asked.open();
      return guarding.opened;
    };
    const late = createRuntime({ guards: [guard] });
    late.route("/other", class extends WebSocketConsumer {});
    server.on("upgrade", async (request, socket, head) => {
      await taking.opened;
      late.handleUpgrade(request, socket, head);
    });
    const upgraded = once(server, "upgrade");
    const client = new Client(`${url}/other`);
    await upgraded;
    await nextTurn();
    taking.open();
    await asked.opened;
    clock.increment(limitMs);
    guarding.open();
    await once(client.websocket, "open");
    expect(runtime.counters().dropped.unanswered).to.equal(0);
    client.websocket.terminate();
    await late.close();
  });

  it("waits for unansweredUpgradeMs", async () => {
    runtime = createRuntime({ clock: clock as Clock, unansweredUpgradeMs: 10 });
    server = createServer();
    runtime.attach(server, { unmatched: "ignore" });
    url = await listening(server, runtime);
    const { client } = await left();
    clock.increment(10);
    expect(await client.rest()).to.match(/^HTTP\/1.1 404 /);
  });
});
