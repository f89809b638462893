// A program whose consumer causes uncaught errors. async-error-owner.spec.ts runs it in a process of its own,
// because mocha listens to such errors, too.
import { setTimeout as pause } from "node:timers/promises";
import { createRuntime, WebSocketConsumer } from "greenroom";

const [, , sources = "", mode = "actor"] = process.argv;

const failures: Readonly<Record<string, (signal: AbortSignal, consumer?: Careless) => void>> = {
  timer: () => void setTimeout(fail, 1),
  immediate: () => void setImmediate(fail),
  tick: () => process.nextTick(fail),
  rejection: () => void Promise.reject(new Error("late")),
  async: () => void pause(1).then(fail),
  interval: () => {
    const interval = setInterval(() => {
      clearInterval(interval);
      fail();
    }, 1);
  },
  after: (_, consumer) => consumer?.after(1, () => void Promise.reject(new Error("late"))),
  abort: (signal) => signal.addEventListener("abort", fail),
};

function fail(): never {
  throw new Error("late");
}

class Careless extends WebSocketConsumer {
  override receive(text: string) {
    if (text === "?") this.send("!");
    else failures[text]?.(this.signal, this);
  }
}

let reports = 0;
const say = (line: string) => process.stdout.write(`${line}\n`);
const runtime = createRuntime({
  ownAsyncErrors: mode !== "process",
  onError(error, { stage, path }) {
    reports += 1;
    say(`${(error as Error).message} at ${stage} of ${path}`);
  },
});
const bystander = await runtime.spawn(Careless);
if (mode === "listener") process.on("uncaughtException", (error) => say(`listener: ${error.message}`));
for (const source of sources.split(",")) {
  if (mode === "unowned" || mode === "listener") failures[source]?.(new AbortController().signal);
  const careless = await runtime.spawn(Careless, { path: source });
  careless.receive(source);
  if (mode === "stopped" || source === "abort") await careless.stop();
}
// An error without an owner ends the process during this loop.
while (reports < sources.split(",").length || runtime.size > 1 || mode === "unowned" || mode === "process")
  await pause(1);
bystander.receive("?");
say(`bystander: ${(await bystander.outgoing.next()).value}`);
say(`actors: ${runtime.size}`);
await runtime.close();
const listeners = ["uncaughtException", "unhandledRejection"].map((event) => process.listenerCount(event));
say(`listeners: ${listeners}`);
