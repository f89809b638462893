// A server whose clients make their actors use resources. Its argument holds the options of a streams layer on Redis,
// or nothing for a memory layer.
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createRuntime, type JobMessages, LimitError, MemoryLayer, WebSocketConsumer } from "greenroom";
import { RedisStreamsLayer } from "greenroom/redis";

const options = JSON.parse(process.argv[2] ?? "null");
const chat = options === null ? new MemoryLayer() : new RedisStreamsLayer(options);
const text = "x".repeat(60_000);

/** Never answers. */
class Silent extends WebSocketConsumer<{ messages: { question: object } }> {
  static override readonly layer = "chat";
  static override readonly on = { question: () => new Promise(() => {}) };
}

/**
 * Uses a resource many times at once: `groups 100000`. Answers with the number of successes, or with nothing if the
 * frame ends with `unawaited`. Echoes other texts.
 */
class Greedy extends WebSocketConsumer<{ messages: JobMessages & { question: object } }> {
  static override readonly layer = "chat";
  static override readonly on = { job_progress() {}, job_done() {}, job_failed() {}, question() {} };
  override async receive(frame: string) {
    const [resource = "", count, mode] = frame.split(" ");
    if (count === undefined) return this.send(frame);
    const uses = Array.from({ length: Number(count) }, (_, n) => this.#use(resource, `${resource}.${n}`));
    if (mode === "unawaited") return;
    const outcomes = await Promise.allSettled(uses);
    const failed = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
    for (const error of failed) if (!(error instanceof LimitError)) throw error;
    this.send(`${uses.length - failed.length}`);
  }
  async #use(resource: string, name: string): Promise<unknown> {
    if (resource === "groups") return this.groupAdd(name);
    if (resource === "presences") return this.track(name, { name });
    if (resource === "watches") return this.watch(name);
    if (resource === "tags") return this.tag(name);
    if (resource === "jobs") return this.submit("jobs", { type: "job", text });
    const asking = this.ask(silent.channel, { type: "question" }, { timeoutMs: 600_000 });
    if (resource === "asks") return asking;
    // The ask stays pending, so its answer cannot be awaited.
    return Promise.race([asking, new Promise((resolve) => setImmediate(resolve))]);
  }
}

const runtime = createRuntime({ layers: { chat }, onError() {} });
runtime.route("/ws", Greedy);
const silent = await runtime.spawn(Silent);
const server = createServer((_, response) => {
  gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  const figures = {
    bytes: heapUsed + arrayBuffers,
    groups: chat.local.groupCount,
    size: runtime.size,
    limited: runtime.counters().limited,
    full: chat.counters().dropped["queue-full"] ?? 0,
  };
  response.end(JSON.stringify(figures));
});
runtime.attach(server);
server.listen(0, "127.0.0.1");
await once(server, "listening");
process.stdout.write(`Listening: http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
process.once("SIGTERM", async () => {
  await chat.deleteQueue("jobs");
  await runtime.close({ drainMs: 100 });
  server.close();
  server.closeAllConnections();
});
