import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { until } from "../layers/support/until.ts";
import { type RunningProcess, startProcess } from "../support/child-process.ts";
import { Client } from "../support/client.ts";
import { type DemoProcess, startDemoProcess } from "../support/demo-process.ts";
import { freePort } from "../support/free-port.ts";
import { type RedisServer, startRedisServer } from "../support/redis.ts";

// Needs Debian's haproxy, which .ci/run installs. Uses the configuration of docker-compose.yml.

const config = fileURLToPath(new URL("../../demo/compose/haproxy.cfg", import.meta.url));

describe("two demos behind HAProxy", function () {
  this.timeout(60_000);
  let redis: RedisServer;
  let servers: DemoProcess[];
  let balancer: RunningProcess;
  let url: string;

  before(async () => {
    redis = await startRedisServer();
    const settings = { REDIS_URL: redis.url };
    servers = await Promise.all([startDemoProcess(settings), startDemoProcess(settings)]);
    const [ONE, TWO] = servers.map((server) => new URL(server.url).host.replace("localhost", "127.0.0.1"));
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    const environment = { ...process.env, LISTEN: `127.0.0.1:${port}`, ONE, TWO };
    const isReady = (line: string) => line.includes("Loading success");
    balancer = await startProcess("/usr/sbin/haproxy", ["-W", "-db", "-f", config], isReady, environment);
    await until(async () => (await fetch(`${url}/healthz`)).ok);
  });
  after(async () => {
    if (balancer.isRunning) process.kill(balancer.pid);
    await Promise.all([balancer.exited, ...servers.map((server) => server.stop())]);
    await redis.stop();
  });

  const origin = () => ({ origin: url });
  const enter = async () => {
    const client = await Client.open(`${url}/ws/room/general`, [], origin());
    await client.next();
    return client;
  };

  it("share a room between tabs on either server", async () => {
    const clients = [await enter(), await enter(), await enter()];
    const [ada] = clients;
    ada?.send("hello");
    for (const client of clients) {
      let frame: unknown;
      while (frame !== "💬 hello") frame = await client.next();
    }
    for (const client of clients) await client.close();
  });

  it("serve the page, refuse foreign origins, and give the reason of a refused upgrade", async () => {
    expect(await (await fetch(url)).text()).to.contain("Greenroom");
    const foreign = { origin: "http://evil.example" };
    expect(await Client.refused(`${url}/ws/system`, foreign)).to.include({ status: 403 });
    expect(await Client.refused(`${url}/ws/room/a%20b`, origin())).to.include({ status: 400 });
  });

  it("replace each other: the tabs of a server that ends reconnect to the other one", async () => {
    const [one, two] = servers;
    const clients = await Promise.all([enter(), enter(), enter(), enter()]);
    // Each server has two tabs.
    await one?.stop("SIGKILL");
    const closed = await Promise.race(clients.map((client) => client.closed));
    expect(closed.code).to.equal(1006);
    const back = await enter();
    back.send("still here");
    while ((await back.next()) !== "💬 still here");
    await two?.stop();
    expect(await back.closed).to.have.property("code", 1012);
    await until(async () => (await fetch(url)).status === 503);
  });
});
