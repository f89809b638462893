// A program whose subscribers of all events throw and reject. event-publisher.spec.ts runs it in a process of its own,
// because mocha listens to such errors, too. Prints the reports, and the channels whose subscribers were called.
import { subscribe } from "node:diagnostics_channel";
import { createRuntime, MemoryLayer, runtimeEvents, WebSocketConsumer } from "greenroom";

const say = (line: string) => process.stdout.write(`${line}\n`);

class Echo extends WebSocketConsumer {
  override receive(text: string) {
    this.send(text);
  }
}

for (const name of runtimeEvents) {
  subscribe(name, () => {
    throw new Error(`${name} threw`);
  });
  subscribe(name, () => Promise.reject(new Error(`${name} rejected`)));
}
const runtime = createRuntime({
  layers: { chat: new MemoryLayer() },
  onError: (error, { stage }) => say(`${stage}: ${(error as Error).message}`),
});
await runtime.ready();
const actor = await runtime.spawn(Echo);
actor.receive("still here");
say(String((await actor.outgoing.next()).value));
await actor.stop();
await runtime.close();
say("closed");
