import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { RedisPubSubLayer } from "greenroom/redis";
import { until } from "../layers/support/until.ts";
import { bundled } from "../support/bundled.ts";
import { type RunningProcess, startProcess } from "../support/child-process.ts";
import { Client } from "../support/client.ts";
import { redisUrl } from "../support/redis.ts";
import { entriesOf, FakeNodes } from "./support/fake-nodes.ts";
import { whileRunning } from "./support/while-running.ts";

const server = fileURLToPath(new URL("support/node-server.ts", import.meta.url));
const megabyte = 1024 * 1024;

interface Report {
  readonly bytes: number;
  readonly heapUsed: number;
  readonly longestPauseMs: number;
  readonly nodes: number;
  readonly lobby: number;
  readonly crowd: number;
  readonly dropped: Readonly<Record<string, number>>;
}

// Before there were limits, 10,000 names with leases of three hours and 286 MB of presence occupied the nodes
// until the leases ended, and a node that started later was unknown to the others.
describe("A fake node on Redis", function () {
  this.timeout(120_000);
  let prefix: string;
  let running: RunningProcess[];
  let layer: RedisPubSubLayer;
  beforeEach(() => {
    prefix = randomUUID();
    running = [];
    layer = new RedisPubSubLayer({ url: redisUrl(), prefix });
  });
  afterEach(async () => {
    await layer.close();
    for (const node of running) {
      if (node.isRunning) process.kill(node.pid, "SIGTERM");
      expect(await node.exited).to.deep.equal([0, null]);
    }
  });

  async function startNode() {
    let url = "";
    const flags = ["--expose-gc", "--max-old-space-size=1024"];
    const args = [...flags, await bundled(server), redisUrl(), prefix];
    const node = await startProcess(process.execPath, args, (line) => {
      url = /^Listening: (.*)$/.exec(line)?.[1] ?? url;
      return url !== "";
    });
    running.push(node);
    const bystander = await Client.open(`${url}/ws/echo`);
    const gauge = await Client.open(`${url}/ws/gauge`);
    return {
      async report(): Promise<Report> {
        gauge.send("{}");
        return JSON.parse(String(await whileRunning(node, gauge.next())));
      },
      async echo(text: string): Promise<void> {
        bystander.send(text);
        expect(await whileRunning(node, bystander.next())).to.equal(text);
      },
    };
  }

  it("does not separate the real nodes, nor keep their memory", async () => {
    const one = await startNode();
    const two = await startNode();
    await until(async () => (await one.report()).lobby === 2 && (await two.report()).lobby === 2);
    const before = await one.report();
    const fake = new FakeNodes(layer);
    // A claimed interval of one second ends the leases soon after the attack.
    const claim = { nodeHeartbeatMs: 1_000, reply: true };
    for (let index = 0; index < 10_000; index += 1) await fake.announce(`n${index}`, claim);
    await one.echo("after the names");
    const names = await one.report();
    expect(names.nodes).to.be.at.most(1_001);
    for (let node = 0; node < 8; node += 1) {
      await fake.announce(`p${node}`, claim);
      for (let version = 1; version <= 40; version += 1) {
        const joins = entriesOf("crowd", 100_000 * node + 10_000 * version, 5_000, "x".repeat(150));
        await fake.say(`p${node}`, "presence", { version, joins, leaves: [], ended: [] });
      }
    }
    await one.echo("after the presences");
    await two.echo("after the presences");
    const presences = await one.report();
    if (process.env.GREENROOM_FIGURES) process.stdout.write(`${JSON.stringify(presences)}\n`);
    expect(presences.heapUsed - before.heapUsed).to.be.below(400 * megabyte);
    expect(presences.crowd).to.be.within(20_000, 400_000);
    expect(presences.dropped.excess).to.be.greaterThan(0);
    // The real nodes still see each other's members.
    await until(async () => (await one.report()).lobby === 2 && (await two.report()).lobby === 2);
    // A node that starts now is known soon.
    const three = await startNode();
    await until(async () => (await one.report()).lobby === 3 && (await three.report()).lobby === 3);
    await until(async () => (await one.report()).nodes === 3);
    let after = await one.report();
    while (after.bytes > before.bytes + 32 * megabyte || after.crowd > 0) after = await one.report();
    if (process.env.GREENROOM_FIGURES)
      process.stdout.write(`${JSON.stringify({ before, names, presences, after })}\n`);
  });
});
