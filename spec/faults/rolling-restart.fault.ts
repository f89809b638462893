import { expect } from "chai";
import { until } from "../layers/support/until.ts";
import { Crowd } from "../soak/crowd.ts";
import { Node } from "../soak/server-process.ts";
import { Lines } from "../support/lines.ts";
import { type RedisServer, startRedisServer } from "../support/redis.ts";

const drainMs = 3_000;

describe("A rolling restart under load", () => {
  let redis: RedisServer;
  let lines: Lines;
  let crowd: Crowd;
  const nodes: Node[] = [];
  /** The nodes that take new connections, as a load balancer sees them. */
  let serving: Node[];

  beforeEach(async () => {
    redis = await startRedisServer();
    serving = [];
    await startNode();
    await startNode();
    let turn = 0;
    lines = await Lines.to(() => (serving[turn++ % serving.length] as Node).port);
  });
  afterEach(async () => {
    await crowd.close();
    await lines.close();
    await Promise.all(nodes.splice(0).map((node) => node.end("SIGKILL")));
    await redis.kill();
  });

  async function startNode(): Promise<void> {
    const node = await Node.start(redis.url, drainMs);
    nodes.push(node);
    serving.push(node);
  }

  /** Ends a node with SIGTERM, after another one serves. @returns the refusals of the node before its drain */
  async function replace(node: Node): Promise<number> {
    await startNode();
    const { refused } = await node.report();
    serving = serving.filter((other) => other !== node);
    await node.end("SIGTERM");
    return refused;
  }

  /** Resolves once `count` more numbers of each member are accepted. */
  async function eachSays(count: number): Promise<void> {
    const goals = crowd.members.map(({ accepted }) => accepted.length + count);
    await until(() => crowd.members.every(({ accepted }, index) => accepted.length >= (goals[index] ?? 0)));
  }

  async function restartAll(kind: "room" | "lobby"): Promise<void> {
    crowd = new Crowd(`http://127.0.0.1:${lines.port}`, kind, 10, 6);
    await crowd.joined();
    crowd.talk(60);
    await eachSays(18);
    for (const node of [...serving]) {
      expect(await replace(node)).to.equal(0);
      await eachSays(18);
    }
    await crowd.settle();
    for (const node of serving) expect((await node.report()).refused).to.equal(0);
    crowd.check();
    for (const { accepted } of crowd.members) expect(accepted.length).to.be.greaterThan(50);
  }

  it("refuses no client at a node that does not drain, and announces each loss on pub/sub", async () => {
    await restartAll("lobby");
    expect(crowd.gaps).to.be.greaterThan(0);
  });

  it("loses no message of a recoverable room on streams", async () => {
    await restartAll("room");
    for (const member of crowd.members) {
      for (const [name, { numbers }] of member.ledgers) {
        const from = crowd.members.find((other) => other.name === name);
        const heard = new Set(numbers);
        expect(from?.accepted.filter((number) => !heard.has(number))).to.deep.equal([]);
      }
    }
  });
});
