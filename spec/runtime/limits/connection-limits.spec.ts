import { once } from "node:events";
import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { PassThrough } from "node:stream";
import { expect } from "chai";
import { LimitError, type TrustProxy } from "greenroom";
import { SimulatedClock } from "xstate";
import { Counters } from "../../../runtime/counters.ts";
import { ClientAddresses } from "../../../runtime/limits/client-address.ts";
import { ConnectionLimits } from "../../../runtime/limits/connection-limits.ts";
import { type Limits, resolveLimits } from "../../../runtime/limits/limits.ts";
import { OccasionalReports } from "../../../runtime/occasional-reports.ts";

describe("ConnectionLimits", () => {
  let clock: SimulatedClock;
  let counters: Counters;
  let limits: ConnectionLimits;
  let reported: LimitError[];
  const server = {};

  function limit(given: Partial<Limits>, trustProxy: TrustProxy = "10.0.0.1"): void {
    clock = new SimulatedClock();
    counters = new Counters();
    reported = [];
    const report = (error: unknown) => reported.push(error as LimitError);
    limits = new ConnectionLimits({
      clientAddresses: new ClientAddresses(trustProxy, report),
      clock,
      counters,
      limits: resolveLimits(given),
      occasionalReports: new OccasionalReports(clock),
      report,
    });
    limits.addServer(server);
  }

  /** A socket of the server from `remoteAddress`. */
  const socketFrom = (remoteAddress: string | undefined): Socket =>
    Object.defineProperties(new Socket(), {
      remoteAddress: { value: remoteAddress },
      server: { value: server },
    });
  const connect = (address: string | undefined) => {
    const socket = socketFrom(address);
    return { socket, status: limits.addSocket(socket)?.status };
  };
  const upgrade = (socket: Socket, forwardedFor = "") => {
    const request = new IncomingMessage(socket);
    request.headers = { "x-forwarded-for": forwardedFor };
    return limits.addUpgrade(request, socket);
  };
  const closed = async (socket: Socket | PassThrough) => {
    const close = once(socket, "close");
    socket.destroy();
    await close;
  };

  it("refuses a socket past a limit with 503 or 429, and counts which limit it was", async () => {
    limit({ maxConnections: 3, maxConnectionsPerAddress: 2 });
    const first = connect("192.0.2.1");
    connect("::ffff:192.0.2.1");
    expect(connect("192.0.2.1").status).to.equal(429);
    expect(connect("192.0.2.2").status).to.equal(undefined);
    expect(connect("192.0.2.3").status).to.equal(503);
    expect(counters.snapshot().limited).to.include({ maxConnections: 1, maxConnectionsPerAddress: 1 });
    await closed(first.socket);
    expect(limits.connections).to.equal(2);
    expect(connect("192.0.2.1").status).to.equal(undefined);
  });

  it("counts the first 64 bits of an IPv6 address as one address", () => {
    limit({ maxConnectionsPerAddress: 1 });
    expect(connect("2001:db8::1").status).to.equal(undefined);
    expect(connect("2001:db8::ffff:1:2").status).to.equal(429);
    expect(connect("2001:db8:0:1::1").status).to.equal(undefined);
  });

  it("counts an upgrade on a counted socket for the rate only", () => {
    limit({ maxConnections: 1, maxConnectionsPerAddress: 1, maxUpgradeBurst: 1 });
    const { socket } = connect("192.0.2.1");
    expect(upgrade(socket)).to.equal(undefined);
    expect(upgrade(socket)?.status).to.equal(429);
    expect(limits.connections).to.equal(1);
    clock.increment(5);
    expect(upgrade(socket)).to.equal(undefined);
    expect(counters.snapshot().limited.maxUpgradesPerSecond).to.equal(1);
  });

  it("counts an upgrade through a trusted proxy under its own address, until its socket closes", async () => {
    limit({ maxConnectionsPerAddress: 1 });
    const [one, two, three] = [connect("10.0.0.1"), connect("10.0.0.1"), connect("::ffff:10.0.0.1")];
    expect([one, two, three].map(({ status }) => status)).to.deep.equal([undefined, undefined, undefined]);
    expect(upgrade(one.socket, "192.0.2.1")).to.equal(undefined);
    expect(upgrade(two.socket, "192.0.2.1")?.status).to.equal(429);
    expect(upgrade(three.socket, "192.0.2.1, 192.0.2.2")).to.equal(undefined);
    expect(limits.connections).to.equal(3);
    await closed(one.socket);
    expect(upgrade(two.socket, "192.0.2.1")).to.equal(undefined);
    await Promise.all([closed(two.socket), closed(three.socket)]);
    clock.increment(1_000);
    expect([limits.connections, limits.addresses]).to.deep.equal([0, 0]);
  });

  it("counts upgrades on sockets of other servers, and on other streams, which have no address", async () => {
    limit({ maxConnections: 2, maxConnectionsPerAddress: 1 });
    const socket = Object.defineProperty(new Socket(), "remoteAddress", { value: "192.0.2.1" });
    expect(upgrade(socket)).to.equal(undefined);
    expect(connect("192.0.2.1").status).to.equal(429);
    const stream = new PassThrough();
    expect(limits.addUpgrade(new IncomingMessage(new Socket()), stream)).to.equal(undefined);
    expect(connect("192.0.2.2").status).to.equal(503);
    await Promise.all([closed(socket), closed(stream)]);
    expect(limits.connections).to.equal(0);
  });

  // A socket that has closed emits no event that would end its count.
  it("does not count a socket that has closed", async () => {
    limit({});
    const stream = new PassThrough();
    await closed(stream);
    limits.addUpgrade(new IncomingMessage(new Socket()), stream);
    expect(limits.connections).to.equal(0);
  });

  it("remembers an address without connections until its bucket is full", async () => {
    limit({ maxUpgradesPerSecond: 1, maxUpgradeBurst: 2 });
    const { socket } = connect("192.0.2.1");
    upgrade(socket);
    upgrade(socket);
    await closed(socket);
    clock.increment(1_999);
    expect(limits.addresses).to.equal(1);
    const { socket: next } = connect("192.0.2.1");
    expect([upgrade(next), upgrade(next)?.status]).to.deep.equal([undefined, 429]);
    await closed(next);
    clock.increment(2_000);
    expect(limits.addresses).to.equal(0);
  });

  it("remembers at most 10,000 addresses that have no connections", async () => {
    limit({ maxUpgradesPerSecond: 1 });
    const socket = socketFrom("10.0.0.1");
    await closed(socket);
    for (let n = 0; n < 20_000; n += 1) upgrade(socket, `192.0.${n >> 8}.${n & 255}`);
    expect(limits.addresses).to.be.within(9_999, 10_000);
    clock.increment(1_000);
    expect(limits.addresses).to.equal(0);
  });

  it("spreads the seconds of Retry-After", () => {
    limit({ maxUpgradeBurst: 1 });
    const socket = socketFrom("192.0.2.1");
    upgrade(socket);
    const seconds = Array.from({ length: 200 }, () => Number(upgrade(socket)?.headers?.["Retry-After"]));
    expect(Math.min(...seconds)).to.be.within(1, 5);
    expect(Math.max(...seconds)).to.be.within(25, 30);
    expect(seconds.filter((each) => !Number.isInteger(each))).to.deep.equal([]);
  });

  it("reports a limit once a minute, with the address and a hint", () => {
    limit({ maxConnectionsPerAddress: 1 });
    connect("192.0.2.1");
    for (let n = 0; n < 10; n += 1) connect("192.0.2.1");
    expect(reported).to.have.length(1);
    expect(reported[0]).to.be.instanceOf(LimitError).with.property("limit", "maxConnectionsPerAddress");
    expect(reported[0]?.message).to.match(/^The address 192\.0\.2\.1 has 1 connections.* set trustProxy\.$/);
    clock.increment(60_000);
    connect("192.0.2.1");
    expect(reported).to.have.length(2);
  });
});
