import { expect } from "chai";
import { startDemo } from "../../demo/server.ts";
import { until } from "../layers/support/until.ts";
import { Client } from "../support/client.ts";
import { type DemoProcess, startDemoProcess } from "../support/demo-process.ts";
import { LotClient } from "../support/lot-client.ts";
import { type RedisServer, startRedisServer } from "../support/redis.ts";

describe("the closing time of a lot", function () {
  this.timeout(60_000);
  let redis: RedisServer;
  const running: DemoProcess[] = [];
  beforeEach(async () => {
    redis = await startRedisServer();
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((demo) => demo.stop("SIGKILL")));
    await redis.stop();
  });

  async function start(): Promise<DemoProcess> {
    const demo = await startDemoProcess({ REDIS_URL: redis.url });
    running.push(demo);
    return demo;
  }

  /** Opens a lot, lets Ada bid, and resolves with the time when the lot closes. */
  async function open({ url }: DemoProcess, lot: string, seconds: number): Promise<number> {
    const client = await LotClient.open(url, lot);
    const { value } = await client.ask("open", { seconds, reserve: 0 });
    await client.ask("bid", { by: "Ada", amount: 7 });
    await client.client.close();
    return (value as { closesAt: number }).closesAt;
  }

  /** How late a server answers a message that is due at `time`, in milliseconds: late because of the load. */
  async function lateness({ url }: DemoProcess, time: number): Promise<number> {
    const client = await Client.open(`${url}/ws/system`);
    await client.next();
    await new Promise((resolve) => setTimeout(resolve, time - Date.now()));
    client.send("hello");
    await client.next();
    const late = Date.now() - time;
    await client.close();
    return late;
  }

  const sold = { state: "sold", amount: 7, by: "Ada", bids: 1 };

  it("survives a killed server: another process sells the lot in time", async () => {
    const [one, two] = [await start(), await start()];
    const lots = Array.from({ length: 8 }, (_, n) => `lot-${n}`);
    const watchers = await Promise.all(lots.map((lot) => LotClient.open(two.url, lot)));
    const closing = await Promise.all(lots.map((lot) => open(one, lot, 8)));
    await one.stop("SIGKILL");
    const answers = closing.map((time) => lateness(two, time).catch(() => 0));
    for (const [index, watcher] of watchers.entries()) {
      expect(await watcher.state({ state: "sold" })).to.include({ ...sold, closesAt: closing[index] });
      const late = Date.now() - (closing[index] ?? 0);
      expect(late, lots[index]).to.be.within(-50, 1_000 + ((await answers[index]) ?? 0));
    }
    const client = await LotClient.open(two.url, "lot-0");
    expect(await client.ask("open", { seconds: 60, reserve: 1 })).to.have.property("type", "greenroom.reply");
  });

  it("survives a killed server that is started again", async () => {
    const one = await start();
    const closesAt = await open(one, "17", 20);
    await one.stop("SIGKILL");
    const two = await start();
    const answer = lateness(two, closesAt);
    const client = await LotClient.open(two.url, "17");
    expect(await client.state()).to.include({ state: "open", amount: 7, by: "Ada", closesAt });
    expect(await client.ask("bid", { by: "Ben", amount: 8 })).to.have.property("type", "greenroom.reply");
    await client.state({ state: "going", by: "Ben", closesAt });
    await client.state({ state: "sold", by: "Ben", closesAt });
    const late = Date.now() - closesAt;
    expect(late).to.be.within(-50, 1_000 + (await answer));
  });

  for (const signal of ["SIGKILL", "SIGTERM"] as const)
    it(`has passed while no process ran, after ${signal}: the lot is sold within 1 s of the next start`, async () => {
      const one = await start();
      const closesAt = await open(one, "17", 5);
      await one.stop(signal);
      await until(() => Date.now() > closesAt + 500);
      const demo = await startDemo({ port: 0, redisUrl: redis.url });
      const startedAt = Date.now();
      try {
        const client = await LotClient.open(demo.url, "17");
        expect(await client.state({ state: "sold" })).to.include({ ...sold });
        expect(Date.now() - startedAt).to.be.below(1_000);
      } finally {
        await demo.close();
      }
    });
});
