import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { createRuntime } from "greenroom";
import { RedisPubSubLayer, RedisStreamsLayer } from "greenroom/redis";
import { Redis } from "ioredis";
import { until } from "../layers/support/until.ts";
import { quotedIn, rowsOf } from "../support/markdown-table.ts";
import { startRedisServer } from "../support/redis.ts";

const page = fileURLToPath(new URL("../../docs/guides/plan-redis-capacity.md", import.meta.url));

describe("docs/guides/plan-redis-capacity.md", () => {
  it("counts the connections of a node to a server", async () => {
    const rows = rowsOf(await readFile(page, "utf8"), "a node opens");
    const counts = rows.map(([, count]) => Number(count));
    const [layer, queues, worker, lifeSigns] = counts as [number, number, number, number];
    const server = await startRedisServer();
    const admin = new Redis(server.url);
    const names = async () => {
      const list = String(await admin.client("LIST"));
      return [...list.matchAll(/ name=(greenroom-\S+)/g)].map(([, name]) => name);
    };
    const holds = (count: number) => until(async () => (await names()).length === count);

    const { url } = server;
    const chat = new RedisPubSubLayer({ url, prefix: "chat" });
    const state = new RedisStreamsLayer({ url, prefix: "state" });
    const runtime = createRuntime({ layers: { chat, state }, control: "state" });
    await runtime.ready();
    await holds(2 * layer);
    await state.send("jobs", { type: "job" });
    await state.send("other", { type: "job" });
    await holds(2 * layer + queues);
    await runtime.worker("jobs", () => {}, { concurrency: 10 });
    await state.consume("other", () => {});
    await holds(2 * layer + queues + 2 * worker + lifeSigns);
    const quoted = rows.flatMap(([, , cell]) => quotedIn(cell));
    expect(new Set(await names())).to.deep.equal(new Set(quoted));
    await runtime.close();
    await holds(0);
    await admin.quit();
    await server.stop();
  });
});
