import { writeSync } from "node:fs";
import { RedisStreamsLayer } from "../../../../layers/redis/index.ts";

/** A program whose job blocks the event loop for ever. Its argument is the JSON of the options of the layer. */
const print = (line: string) => void writeSync(1, `${line}\n`);
const layer = new RedisStreamsLayer({
  ...JSON.parse(process.argv[2] ?? "{}"),
  onError: (error) => print(String(error)),
});
const consuming = layer.consume(
  "jobs",
  () => {
    print("blocked");
    for (;;);
  },
  { claimAfterMs: 150 },
);
consuming.then(
  () => print("ready"),
  (error: unknown) => print(String(error)),
);
