// A node in a process of its own, which specs kill. Prints its port. Arguments: the URL of Redis, and a prefix.
import { RedisStreamsLayer } from "greenroom/redis";
import { serve } from "../../support/serving.ts";
import { Room } from "./relay-room.ts";

const [url = "", prefix = ""] = process.argv.slice(2);
const { runtime, ...serving } = await serve({
  layers: { chat: new RedisStreamsLayer({ url, prefix, capacity: 1_000 }) },
  guards: [() => ({ user: { id: "ada" } })],
});
runtime.route(Room);
// biome-ignore lint/suspicious/noConsole: the spec reads the port.
console.log(`port ${new URL(serving.url).port}`);
