import { AsyncLocalStorage } from "node:async_hooks";
import { createServer, type Server } from "node:http";
import { expect } from "chai";
import { type Clock, createRuntime, type Runtime, type RuntimeOptions, WebSocketConsumer } from "greenroom";
import { SimulatedClock } from "xstate";
import { until } from "../../layers/support/until.ts";
import { Client } from "../../support/client.ts";
import { nextTurn } from "../../support/next-turn.ts";
import { RawClient } from "../../support/raw-client.ts";
import { upgradeRequest } from "../../support/raw-websocket.ts";
import { closeServers, connectionsOf, listening } from "../../support/servers.ts";

/** Longer than the time of a turn for upgrades, so the turn admits one upgrade. */
const connectMs = 6;

function spend(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

describe("Upgrades that wait for the event loop", () => {
  let server: Server;
  let runtime: Runtime;
  let url: string;
  let clients: RawClient[];
  /** The numbers of the upgrades, in the order in which Node emitted them. */
  let arrived: string[];
  /** The numbers of the upgrades whose `connect` was called. */
  let connected: string[];
  let failures: unknown[];
  /** Called in `connect`, with the number of upgrades that came before. */
  let onConnect: (before: number) => void;
  beforeEach(() => {
    server = createServer();
    [clients, arrived, connected, failures] = [[], [], [], []];
    onConnect = () => {};
  });
  afterEach(async () => {
    for (const { socket } of clients) socket.destroy();
    await closeServers();
  });

  async function serve(options: Partial<RuntimeOptions<Record<never, never>>> = {}): Promise<void> {
    runtime = createRuntime({
      onError: (error) => failures.push((error as { code?: string }).code),
      ...options,
    });
    class Slow extends WebSocketConsumer<{ params: "number" }> {
      override connect() {
        onConnect(connected.length);
        connected.push(this.scope.params.number);
        spend(connectMs);
        this.accept();
      }
    }
    runtime.route("/slow/:number", Slow, { params: { number: (text) => void arrived.push(text) } });
    runtime.attach(server);
    url = await listening(server, runtime);
  }

  /** Sends upgrades on as many open connections, so that all of them can be read in the same turn. */
  async function storm(count: number): Promise<void> {
    while (clients.length < count) clients.push(await RawClient.open(url));
    const target = (number: number) => upgradeRequest(`/slow/${number}`);
    await Promise.all(clients.map((client, number) => client.send(target(number))));
  }

  const statusOf = async (client: RawClient) =>
    Number(/^HTTP\/1\.1 (\d+)/.exec(await client.until(/\r\n\r\n/))?.[1]);

  it("are admitted in the order of their arrival", async () => {
    await serve();
    await storm(20);
    for (const client of clients) expect(await statusOf(client)).to.equal(101);
    expect(new Set(arrived).size).to.equal(20);
    expect(connected).to.deep.equal(arrived);
    expect(runtime.counters().refused).to.equal(0);
  });

  it("leave time for the frames of existing connections", async () => {
    await serve();
    const connectedAtFrame: number[] = [];
    class Echo extends WebSocketConsumer {
      override receive(text: string) {
        connectedAtFrame.push(connected.length);
        this.send(text);
      }
    }
    runtime.route("/echo", Echo);
    const bystander = await Client.open(`${url}/echo`);
    const count = 20;
    const sent = storm(count);
    for (let echoes = 0; connected.length < count; echoes += 1) {
      bystander.send(`${echoes}`);
      expect(await bystander.next()).to.equal(`${echoes}`);
    }
    await sent;
    const during = connectedAtFrame.filter((number) => number > 0 && number < count);
    // A frame takes at most two turns from the client to the server and back, as both share an event loop.
    expect(new Set(during).size).to.be.at.least(count / 4);
  });

  it("are refused with 503 and Retry-After, if more than maxWaitingUpgrades wait", async () => {
    await serve({ maxWaitingUpgrades: 3 });
    await storm(10);
    const statuses = await Promise.all(clients.map(statusOf));
    const accepted = statuses.filter((status) => status === 101).length;
    // One upgrade is admitted at once, and three wait. The others arrive in the same turn, unless Node reads later.
    expect(accepted).to.be.within(4, 9);
    const refused = clients.filter((_, number) => statuses[number] === 503);
    expect(refused).to.have.length(10 - accepted);
    for (const client of refused) {
      expect(await client.rest()).to.match(
        /^HTTP\/1\.1 503 .*\r\nRetry-After: 1\r\n.*Too many clients are connecting\n$/s,
      );
    }
    expect(runtime.counters().refused).to.equal(refused.length);
    expect(runtime.size).to.equal(accepted);
  });

  for (const leave of ["end", "destroy", "resetAndDestroy"] as const) {
    it(`are dropped without an actor, if the client leaves with ${leave}`, async () => {
      await serve();
      const leaving: string[] = [];
      onConnect = (before) => {
        if (before !== 3) return;
        leaving.push(...arrived.slice(-3));
        for (const number of leaving) clients[Number(number)]?.socket[leave]();
      };
      await storm(12);
      await until(() => connected.length === 9);
      const expected = arrived.filter((number) => !leaving.includes(number));
      expect(connected).to.deep.equal(expected);
      await until(async () => (await connectionsOf(server)) === 9);
      expect([runtime.size, runtime.counters().refused]).to.deep.equal([9, 0]);
      expect(failures).to.deep.equal([]);
    });
  }

  it("are refused with 503 when the runtime closes", async () => {
    await serve();
    let closing: Promise<void> | undefined;
    let refusedAtOnce = 0;
    onConnect = (before) => {
      if (before !== 3) return;
      setImmediate(() => {
        closing = runtime.close({ drainMs: 1_000 });
        refusedAtOnce = runtime.counters().refused;
      });
    };
    await storm(12);
    const statuses = await Promise.all(clients.map(statusOf));
    const accepted = statuses.filter((status) => status === 101).length;
    expect(accepted).to.equal(connected.length).and.within(4, 6);
    const refused = clients.filter((_, number) => statuses[number] === 503);
    expect(refused).to.have.length(12 - accepted);
    expect(refusedAtOnce).to.equal(refused.length);
    for (const client of refused) expect(await client.rest()).to.match(/The server is shutting down\n$/);
    for (const { socket } of clients) socket.destroy();
    await closing;
    expect(runtime.counters().refused).to.equal(refused.length);
  });

  it("have the time limit connectTimeoutMs from their arrival", async () => {
    const clock = new SimulatedClock();
    await serve({ clock: clock as Clock, connectTimeoutMs: 10_000 });
    // The flush of the second turn starts the timers.
    onConnect = (before) => {
      if (before === 4) clock.increment(10_000);
    };
    await storm(12);
    const statuses = await Promise.all(clients.map(statusOf));
    const last = clients[Number(arrived.at(-1))];
    expect(await last?.rest()).to.match(/^HTTP\/1\.1 503 .*Connecting took too long\n$/s);
    expect(statuses.filter((status) => status === 101)).to.have.length(4);
    expect(runtime.counters().refused).to.equal(8);
  });

  it("are left to another listener that answers meanwhile, and are reported once", async () => {
    server.on("upgrade", async (_, socket) => {
      if (arrived.length <= 4) return;
      await nextTurn();
      socket.write("HTTP/1.1 101 Mine\r\n\r\n");
    });
    await serve();
    await storm(12);
    await until(() => connected.length === 12 && runtime.size === 5);
    const answers = await Promise.all(clients.map((client) => client.until(/\r\n\r\n/)));
    await nextTurn();
    expect(answers.filter((answer) => answer === "HTTP/1.1 101 Mine\r\n\r\n")).to.have.length(7);
    for (const { received } of clients) expect(received.match(/HTTP/g)).to.have.length(1);
    expect(failures).to.deep.equal(["ERR_UPGRADE_CONFLICT"]);
    expect(runtime.counters().refused).to.equal(0);
  });

  it("keep the async context of the listener that passes them to handleUpgrade", async () => {
    const requests = new AsyncLocalStorage<string | undefined>();
    const seen: unknown[] = [];
    server.on("upgrade", (request, socket, head) =>
      requests.run(request.url, () => runtime.handleUpgrade(request, socket, head)),
    );
    await serve({ guards: [() => void seen.push(requests.getStore())] });
    await storm(6);
    await until(() => connected.length === 6);
    expect(seen).to.deep.equal(arrived.map((number) => `/slow/${number}`));
  });

  it("are handled once, if a listener passes them to handleUpgrade again", async () => {
    server.on("upgrade", (request, socket, head) => {
      runtime.handleUpgrade(request, socket, head);
      setImmediate(() => runtime.handleUpgrade(request, socket, head));
    });
    await serve();
    await storm(6);
    for (const client of clients) expect(await statusOf(client)).to.equal(101);
    await nextTurn();
    expect(connected).to.deep.equal(arrived).and.have.length(6);
  });
});
