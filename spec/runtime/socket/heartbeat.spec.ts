import { once } from "node:events";
import type { Socket } from "node:net";
import { expect } from "chai";
import { WebSocketConsumer } from "greenroom";
import { Heartbeat, type HeartbeatTarget } from "../../../runtime/socket/heartbeat.ts";
import { until } from "../../layers/support/until.ts";
import { Client } from "../../support/client.ts";
import { gate } from "../../support/gate.ts";
import { serve, stopServing } from "../../support/serving.ts";
import { Ticks } from "../support/ticks.ts";

class Peer implements HeartbeatTarget {
  pings = 0;
  timeouts = 0;
  isActive = true;
  hadActivity(): boolean {
    return this.isActive;
  }
  ping(): void {
    this.pings += 1;
  }
  onTimeout(): void {
    this.timeouts += 1;
  }
}

describe("Heartbeat", () => {
  const intervalMs = 3_200;
  let clock: Ticks;
  let heartbeat: Heartbeat;
  beforeEach(() => {
    clock = new Ticks();
    heartbeat = new Heartbeat(clock, intervalMs);
  });

  it("pings each target once in an interval", async () => {
    const peers: Peer[] = [];
    for (let index = 0; index < 40; index += 1) {
      const peer = new Peer();
      peers.push(peer);
      heartbeat.add(peer);
      clock.increment(intervalMs / 64);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const before = peers.map(({ pings }) => pings);
    await clock.intervals(3, intervalMs);
    expect(peers.map(({ pings }, index) => pings - (before[index] ?? 0))).to.deep.equal(peers.map(() => 3));
  });

  it("first pings a new target after a whole interval", async () => {
    const peer = new Peer();
    heartbeat.add(peer);
    clock.increment(intervalMs / 64);
    for (let tick = 0; tick < 31; tick += 1) {
      clock.increment(intervalMs / 32);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(peer.pings).to.equal(0);
    clock.increment(intervalMs / 32);
    await new Promise((resolve) => setImmediate(resolve));
    expect(peer.pings).to.equal(1);
  });

  it("times out only the silent target", async () => {
    const [silent, active] = [new Peer(), new Peer()];
    heartbeat.add(silent);
    heartbeat.add(active);
    await clock.intervals(1, intervalMs);
    silent.isActive = false;
    await clock.intervals(1, intervalMs);
    expect([silent.timeouts, active.timeouts]).to.deep.equal([1, 0]);
  });

  it("does not ping a removed target, and has no timer while it is empty", async () => {
    expect(clock.timers).to.equal(0);
    const [one, other] = [new Peer(), new Peer()];
    const slots = [heartbeat.add(one), heartbeat.add(other)] as const;
    expect(clock.timers).to.equal(1);
    heartbeat.remove(one, slots[0]);
    heartbeat.remove(one, slots[0]);
    await clock.intervals(1, intervalMs);
    expect([one.pings, other.pings]).to.deep.equal([0, 1]);
    heartbeat.remove(other, slots[1]);
    expect(clock.timers).to.equal(0);
    heartbeat.add(one);
    await clock.intervals(1, intervalMs);
    expect(one.pings).to.equal(1);
  });
});

describe("The heartbeat of a connection", () => {
  const pingIntervalMs = 3_200;
  afterEach(stopServing);

  async function start(receive: (consumer: WebSocketConsumer, text: string) => void | Promise<void>) {
    class Echo extends WebSocketConsumer {
      override receive(text: string) {
        return receive(this, text);
      }
    }
    const clock = new Ticks();
    const serving = await serve({ layers: {}, clock, pingIntervalMs, frameHighWaterMark: 1 });
    serving.runtime.route("/ws", Echo);
    return { ...serving, clock, url: `${serving.url}/ws` };
  }

  /** Advances the clock by an interval with one ping, and waits until the server has read the pong. */
  async function beat(clock: Ticks, client: Client): Promise<void> {
    const pinged = once(client.websocket, "ping");
    await clock.intervals(1, pingIntervalMs);
    await pinged;
    client.send("echo");
    await client.next();
  }

  it("keeps a client that answers, and drops a silent client within two intervals", async () => {
    const { clock, url, runtime } = await start((consumer, text) => consumer.send(text));
    const active = await Client.open(url);
    const silent = await Client.open(url, [], { autoPong: false });
    await beat(clock, active);
    await beat(clock, active);
    expect(await silent.closed).to.deep.equal({ code: 1006, reason: "" });
    await beat(clock, active);
    expect(runtime.size).to.equal(1);
  });

  it("counts any frame as activity", async () => {
    const { clock, url } = await start((consumer, text) => consumer.send(text));
    const client = await Client.open(url, [], { autoPong: false });
    for (let count = 0; count < 4; count += 1) await beat(clock, client);
    expect(client.websocket.readyState).to.equal(client.websocket.OPEN);
  });

  it("counts every byte as activity: a frame that arrives slowly, and a client's ping", async () => {
    const { clock, url, server } = await start((consumer, text) => consumer.send(`${text.length}`));
    const sockets: Socket[] = [];
    server.on("connection", (socket) => sockets.push(socket));
    const [slow, pinging, active] = [
      await Client.open(url, [], { autoPong: false }),
      await Client.open(url, [], { autoPong: false }),
      await Client.open(url),
    ];
    const raw = (slow.websocket as unknown as { readonly _socket: Socket })._socket;
    // The head of a masked text frame of 400 bytes.
    raw.write(Buffer.from([0x81, 0xfe, 0x01, 0x90, 0, 0, 0, 0]));
    for (let count = 0; count < 4; count += 1) {
      const before = sockets.map(({ bytesRead }) => bytesRead);
      raw.write(Buffer.alloc(100));
      pinging.websocket.ping();
      await until(() => [0, 1].every((index) => (sockets[index]?.bytesRead ?? 0) > (before[index] ?? 0)));
      await beat(clock, active);
    }
    expect([slow, pinging].map(({ websocket }) => websocket.readyState)).to.deep.equal([1, 1]);
    expect(await slow.next()).to.equal("400");
  });

  it("pings a paused client, and does not drop it", async () => {
    const working = gate();
    const { clock, url } = await start(async (consumer, text) => {
      if (text === "work") await working.opened;
      consumer.send(text);
    });
    const client = await Client.open(url);
    for (const text of ["work", "1", "2", "3"]) client.send(text);
    const pings: unknown[] = [];
    client.websocket.on("ping", (data) => pings.push(data));
    for (let count = 1; count <= 3; count += 1) {
      const pinged = once(client.websocket, "ping");
      await clock.intervals(1, pingIntervalMs);
      await pinged;
    }
    working.open();
    expect(await client.take(4)).to.deep.equal(["work", "1", "2", "3"]);
    await beat(clock, client);
    expect(client.websocket.readyState).to.equal(client.websocket.OPEN);
  });

  it("has no timer after the last connection has closed", async () => {
    const { clock, url, runtime } = await start(() => {});
    const client = await Client.open(url);
    await client.close();
    while (runtime.size > 0) await new Promise((resolve) => setImmediate(resolve));
    expect(clock.timers).to.equal(0);
  });
});
