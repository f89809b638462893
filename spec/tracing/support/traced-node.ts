// A traced node in a process of its own, with one Listener, and on streams with a worker of the channel "tasks". Prints
// each span once it has ended, as JSON. Arguments: the kind of the layer, the URL of Redis, and a prefix.

import { NodeTracerProvider, type ReadableSpan } from "@opentelemetry/sdk-trace-node";
import { createRuntime } from "greenroom";
import { traceRuntime } from "greenroom/tracing";
import { seenSpan } from "./recorded-spans.ts";
import { type Kind, Listener, redisLayer } from "./traced-room.ts";

const [kind = "streams", url = "", prefix = ""] = process.argv.slice(2);
// biome-ignore lint/suspicious/noConsole: the spec reads the output.
const print = (line: string) => console.log(line);

new NodeTracerProvider({
  spanProcessors: [
    {
      onStart() {},
      onEnd: (span: ReadableSpan) => print(`span ${JSON.stringify(seenSpan(span))}`),
      forceFlush: async () => {},
      shutdown: async () => {},
    },
  ],
}).register();
const runtime = createRuntime({ layers: { chat: redisLayer(kind as Kind, url, prefix) } });
traceRuntime(runtime);
await runtime.ready();
await runtime.spawn(Listener);
if (kind === "streams") await runtime.worker("tasks", () => print("worked"));
print("ready");
process.once("SIGTERM", () => void runtime.close().then(() => process.exit(0)));
// Keeps the process running: a runtime alone does not.
setInterval(() => {}, 60_000);
