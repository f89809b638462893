import { setImmediate as turn } from "node:timers/promises";
import { createRuntime, WebSocketConsumer } from "greenroom";

class Careless extends WebSocketConsumer {
  override receive(kind: string) {
    leave(kind);
  }
}

function leave(kind: string): void {
  const error = new Error("stray");
  if (kind === "rejection") void Promise.reject(error);
  else
    setTimeout(() => {
      throw error;
    });
}

/** Registers a test that leaves the error that environment variables describe, and prints what `onError` got. */
export function stray(it: (title: string, body: () => Promise<void>) => void): void {
  const { STRAY_KIND = "", STRAY_OWNED, STRAY_FROM } = process.env;
  it("leaves an error", async () => {
    let heard = 0;
    const onError = () => {
      heard += 1;
    };
    const runtime = createRuntime({ ownAsyncErrors: STRAY_OWNED === "yes", onError });
    const actor = await runtime.spawn(Careless);
    if (STRAY_FROM === "actor") actor.receive(STRAY_KIND);
    else leave(STRAY_KIND);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await turn();
    await runtime.close();
    process.stdout.write(`\nheard: ${heard}\n`);
  });
}
