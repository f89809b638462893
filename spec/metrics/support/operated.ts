import { createServer } from "node:http";
import { contractConsumer, createRuntime, frames, handlers, MemoryLayer, WebSocketConsumer } from "greenroom";
import { contract } from "greenroom/contract";
import { collectMetrics } from "greenroom/metrics";
import { createMachine } from "xstate";
import { z } from "zod";
import { until } from "../../layers/support/until.ts";
import { Client } from "../../support/client.ts";
import { closeServers, listening } from "../../support/servers.ts";

const say = contract({ path: "/say", client: { say: z.object({ text: z.string() }) }, server: {} });

class Room extends WebSocketConsumer<{ messages: { said: { text: string } } }> {
  static override readonly layer = "chat";
  static override readonly on = handlers<Room>({
    async said({ text }) {
      await null;
      this.send(text);
    },
  });
  override connect() {
    return this.groupAdd("room");
  }
  override async receive(text: string) {
    await Promise.all(text.split("\n").map((line) => this.groupSend("room", { type: "said", text: line })));
  }
}

class Say extends contractConsumer(say) {
  static override readonly frames = frames<Say>({ say() {} });
}

/** The text of a scrape in which every metric has a value. */
export async function operatedScrape(): Promise<string> {
  const layer = new MemoryLayer();
  const runtime = createRuntime({ layers: { chat: layer } });
  const metrics = collectMetrics(runtime);
  const lots = runtime.named("lot", createMachine({ on: { "message.bid": {} } }), { partitions: 2 });
  runtime.route("/room", Room);
  runtime.route(Say);
  const server = createServer();
  runtime.attach(server);
  const url = await listening(server, runtime);
  await lots.get("1").send({ type: "bid" });
  await layer.consume("jobs", () => {});
  await layer.send("jobs", { type: "job" });
  const [room, other] = [await Client.open(`${url}/room`), await Client.open(`${url}/say`)];
  room.send("one\ntwo\nthree");
  for (const _ of ["one", "two", "three"]) await room.next();
  other.send('{"type":"say","text":"hello"}');
  other.websocket.close();
  await Client.refused(`${url}/nothing`);
  await until(() => runtime.size === 1 && layer.counters().consumed === 1);
  const text = await metrics.register.metrics();
  metrics.close();
  await closeServers();
  return text;
}

/** The names of the labels of each metric of a scrape, without `le`, by the name of the metric. */
export function labelsOf(
  text: string,
): ReadonlyMap<string, { readonly type: string; readonly labels: string[] }> {
  const types = [...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)];
  return new Map(
    types.map(([, name = "", type = ""]) => {
      const lines = text.matchAll(new RegExp(`^${name}(?:_bucket|_sum|_count)?(?:\\{(.*)\\})? `, "gm"));
      const labels = [...lines].flatMap(([, list = ""]) =>
        [...list.matchAll(/(\w+)="/g)].map(([, label = ""]) => label),
      );
      return [name, { type, labels: [...new Set(labels)].filter((label) => label !== "le") }] as const;
    }),
  );
}
