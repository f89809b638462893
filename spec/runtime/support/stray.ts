// A program whose consumer leaves behind what fails later: run by async-error-owner.spec.ts, since mocha listens to such errors, too.
import { setTimeout as pause } from "node:timers/promises";
import { createRuntime, WebSocketConsumer } from "greenroom";

const [, , whats = "", who = "actor"] = process.argv;

const strays: Readonly<Record<string, (signal: AbortSignal) => void>> = {
  timer: () => void setTimeout(fail, 1),
  immediate: () => void setImmediate(fail),
  tick: () => process.nextTick(fail),
  rejection: () => void Promise.reject(new Error("stray")),
  async: () => void pause(1).then(fail),
  interval: () => {
    const interval = setInterval(() => {
      clearInterval(interval);
      fail();
    }, 1);
  },
  abort: (signal) => signal.addEventListener("abort", fail),
};

function fail(): never {
  throw new Error("stray");
}

class Careless extends WebSocketConsumer {
  override receive(text: string) {
    if (text === "?") this.send("!");
    else strays[text]?.(this.signal);
  }
}

let reports = 0;
const say = (line: string) => process.stdout.write(`${line}\n`);
const runtime = createRuntime({
  ownStrayErrors: who !== "process",
  onError(error, { stage, path }) {
    reports += 1;
    say(`${(error as Error).message} at ${stage} of ${path}`);
  },
});
const bystander = await runtime.spawn(Careless);
if (who === "listener") process.on("uncaughtException", (error) => say(`heard: ${error.message}`));
for (const what of whats.split(",")) {
  if (who === "nobody" || who === "listener") strays[what]?.(new AbortController().signal);
  const careless = await runtime.spawn(Careless, { path: what });
  careless.receive(what);
  if (who === "gone" || what === "abort") await careless.stop();
}
// Where the process is to end, it does so while this waits.
while (reports < whats.split(",").length || runtime.size > 1 || who === "nobody" || who === "process")
  await pause(1);
bystander.receive("?");
say(`bystander: ${(await bystander.outgoing.next()).value}`);
say(`actors: ${runtime.size}`);
await runtime.close();
const listeners = ["uncaughtException", "unhandledRejection"].map((event) => process.listenerCount(event));
say(`listeners: ${listeners}`);
