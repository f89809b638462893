import { createRuntime } from "greenroom";
import { RedisPubSubLayer, RedisStreamsLayer } from "greenroom/redis";
import { Clerk, query } from "./cluster.ts";

// A node with one actor in the group "clerks", tagged "user.42", present in "lobby". Prints its channel.
const [kind = "", url = "", prefix = "", nodeHeartbeatMs = ""] = process.argv.slice(2);
// biome-ignore lint/suspicious/noConsole: the spec reads the output.
const print = (line: string) => console.log(line);

class Present extends Clerk {
  override async connect() {
    await super.connect();
    this.track("lobby", { process: process.pid }, { key: "child" });
  }
}

const layers = {
  chat: kind === "streams" ? new RedisStreamsLayer({ url, prefix }) : new RedisPubSubLayer({ url, prefix }),
};
const runtime = createRuntime({ layers, nodeHeartbeatMs: Number(nodeHeartbeatMs) });
await runtime.ready();
const actor = await runtime.spawn(Present, query("group=clerks&tag=user.42"));
print(`ready ${actor.channel}`);
process.once("SIGTERM", () => void runtime.close());
// Keeps the process running: a runtime alone does not.
setInterval(() => {}, 60_000);
