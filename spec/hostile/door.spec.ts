import { once } from "node:events";
import { createServer } from "node:http";
import { expect } from "chai";
import { type Guard, type Layers, type RuntimeOptions, WebSocketConsumer } from "greenroom";
import { SimulatedClock } from "xstate";
import { until } from "../layers/support/until.ts";
import { connectionLimitsOf } from "../runtime/support/door.ts";
import { Client } from "../support/client.ts";
import { gate } from "../support/gate.ts";
import { RawClient } from "../support/raw-client.ts";
import { upgradeRequest } from "../support/raw-websocket.ts";
import { type ReverseProxy, startReverseProxy } from "../support/reverse-proxy.ts";
import { type Serving, serve, stopServing } from "../support/serving.ts";

class Echo extends WebSocketConsumer {
  override receive(text: string) {
    this.send(text);
  }
}

describe("An attack at the door", () => {
  let serving: Serving<Layers>;
  let proxy: ReverseProxy | undefined;
  let bystander: Client;
  const attackers: RawClient[] = [];
  const headers = { "X-Forwarded-For": "203.0.113.1" };

  /** Starts a server behind a trusted proxy, and a bystander. */
  async function start(
    options: Partial<RuntimeOptions<Layers>> = {},
    server = createServer(),
  ): Promise<void> {
    serving = await serve({ layers: {}, trustProxy: "127.0.0.2", ...options }, server);
    serving.runtime.route("/ws", Echo);
    bystander = await Client.open(`${serving.url}/ws`, [], { localAddress: "127.0.0.9", headers });
  }

  async function attack(text: string, url = serving.url): Promise<RawClient> {
    const attacker = await RawClient.open(url, text);
    attackers.push(attacker);
    return attacker;
  }
  const attackAll = (count: number, text: (index: number) => string, url?: string) =>
    Promise.all(Array.from({ length: count }, (_, index) => attack(text(index), url)));
  const upgradeOf = (address: string) => upgradeRequest("/ws", { "X-Forwarded-For": address });

  /** The statuses of the answers to upgrades, with the number of each. */
  async function statusesOf(clients: readonly RawClient[]): Promise<Record<string, number>> {
    const statuses: Record<string, number> = {};
    for (const client of clients) {
      const status = (await client.until(/\r\n\r\n/)).slice(9, 12);
      statuses[status] = (statuses[status] ?? 0) + 1;
    }
    return statuses;
  }

  async function checkBystander(): Promise<void> {
    bystander.send("still here");
    expect(await bystander.next()).to.equal("still here");
  }

  /** Ends the attackers. Checks that the counts are those of the bystander. */
  async function checkNothingLeft(): Promise<void> {
    for (const { socket } of attackers.splice(0)) socket.destroy();
    await checkBystander();
    const limits = connectionLimitsOf(serving);
    await until(() => limits.connections === 1 && limits.addresses === 1 && serving.runtime.size === 1);
  }

  afterEach(async () => {
    for (const { socket } of attackers.splice(0)) socket.destroy();
    await stopServing();
    await proxy?.close();
    proxy = undefined;
  });

  it("with upgrades from one address opens as many as the limit, and gets 429 for the rest", async () => {
    await start({ maxConnectionsPerAddress: 10 });
    expect(await statusesOf(await attackAll(40, () => upgradeRequest("/ws")))).to.deep.equal({
      101: 10,
      429: 30,
    });
    expect(serving.runtime.size).to.equal(11);
    expect(serving.runtime.counters().limited.maxConnectionsPerAddress).to.equal(30);
    await checkNothingLeft();
  });

  it("cannot pretend to come from many addresses without a trusted proxy", async () => {
    await start({ maxConnectionsPerAddress: 10 });
    const clients = await attackAll(40, (index) => upgradeOf(`198.51.100.${index}`));
    expect(await statusesOf(clients)).to.deep.equal({ 101: 10, 429: 30 });
    await checkNothingLeft();
  });

  it("with upgrades that end at once reaches the limit of the rate, and leaves the others alone", async () => {
    // By a clock that stands still, no more upgrades are allowed meanwhile.
    await start({ maxUpgradeBurst: 20, maxUpgradesPerSecond: 1, clock: new SimulatedClock() });
    for (let n = 0; n < 20; n += 1) {
      const client = await attack(upgradeRequest("/nowhere"));
      expect(await client.rest()).to.match(/^HTTP\/1.1 404 /);
    }
    const refused = await attackAll(20, () => upgradeRequest(Math.random() < 0.5 ? "/ws" : "/nowhere"));
    expect(await statusesOf(refused)).to.deep.equal({ 429: 20 });
    const other = await Client.open(`${serving.url}/ws`, [], { localAddress: "127.0.0.8" });
    await other.close();
    for (const { socket } of attackers.splice(0)) socket.destroy();
    await checkBystander();
    await until(() => connectionLimitsOf(serving).connections === 1);
  });

  it("through a trusted proxy is counted for the addresses of its clients", async () => {
    await start({ maxConnectionsPerAddress: 5, trustProxy: "127.0.0.1" });
    proxy = await startReverseProxy(serving.url);
    const one = await attackAll(15, () => upgradeOf("6.6.6.6, 198.51.100.1"), proxy.url);
    const many = await attackAll(
      15,
      (index) => upgradeOf(`198.51.100.1, 2001:db8:0:${index % 2}::${index}`),
      proxy.url,
    );
    expect(await statusesOf(one)).to.deep.equal({ 101: 5, 429: 10 });
    expect(await statusesOf(many)).to.deep.equal({ 101: 10, 429: 5 });
    await checkNothingLeft();
  });

  it("with silent sockets and halves of requests is refused beyond the limit, and cut after a while", async () => {
    const server = createServer({ connectionsCheckingInterval: 30 });
    await start({ maxConnectionsPerAddress: 20, connectTimeoutMs: 30_000 }, server);
    await attackAll(20, (index) => (index % 2 === 0 ? "" : "GET /ws HTTP/1.1\r\nHost: a\r\n"));
    const refused = await attackAll(10, () => "");
    for (const client of refused) expect(await client.rest()).to.match(/^HTTP\/1.1 429 /);
    await checkBystander();
    // Only now, so that none is cut before all were counted.
    expect(server.headersTimeout).to.equal(30_000);
    server.headersTimeout = 300;
    await Promise.all(attackers.map((client) => client.rest()));
    await checkNothingLeft();
  });

  it("leaves no count behind when clients go during a guard, are refused by it, or are half open", async () => {
    const hold = gate();
    const guard: Guard = async ({ query }) => {
      if (query.has("hold")) await hold.opened;
      return query.has("refuse") ? { status: 403, reason: "No" } : undefined;
    };
    await start({ guards: [guard] });
    const held = await attackAll(5, () => upgradeRequest("/ws?hold"));
    const halfOpen = await attackAll(5, () => upgradeRequest("/ws?hold"));
    const silent = await attackAll(5, () => "");
    expect(await statusesOf(await attackAll(5, () => upgradeRequest("/ws?refuse")))).to.deep.equal({
      403: 5,
    });
    await until(() => connectionLimitsOf(serving).connections === 16);
    for (const { socket } of held) socket.destroy();
    for (const { socket } of [...halfOpen, ...silent]) socket.end();
    await Promise.all([...halfOpen, ...silent].map(({ socket }) => socket.closed || once(socket, "close")));
    hold.open();
    await checkNothingLeft();
  });
});
