import { type Internals, internals } from "../internals.ts";
import type { RuntimeContext } from "../runtime-context.ts";
import { ExpectationError } from "./expectation-error.ts";
import type { WaitOptions } from "./wait-for.ts";

/** A runtime, whatever its layers are. */
export interface TestedRuntime {
  /** @internal */
  readonly [internals]: Internals;
  close(): Promise<void>;
}

const { setImmediate } = globalThis;

/**
 * Resolves once nothing is being handled or waits in any mailbox of `runtime`, no actor is on its way in or out, and
 * nothing is on its way on its memory layers.
 *
 * It looks at the end of each turn of the event loop, when all that promises brought about has run. So it is exact for
 * whatever handlers do and wait for, and for what they send without waiting. It cannot know of a timer, a request or an
 * invoked actor that nobody awaits, of what is still in a socket or on Redis, nor of work queues.
 *
 * @throws {ExpectationError} that lists who is still busy when `timeoutMs` have passed; nobody is stopped by that.
 */
export function settle(runtime: TestedRuntime, { timeoutMs = 1_000 }: WaitOptions = {}): Promise<void> {
  const { context } = runtime[internals];
  const end = performance.now() + timeoutMs;
  return new Promise((resolve, reject) => {
    const look = () => {
      const busy = listBusy(context);
      if (busy.length === 0) resolve();
      else if (performance.now() < end) setImmediate(look);
      else reject(new ExpectationError(`Not settled after ${timeoutMs} ms: ${busy.join(", ")}.`));
    };
    setImmediate(look);
  });
}

function listBusy({ supervisor, layers }: Pick<RuntimeContext, "layers" | "supervisor">): string[] {
  const busy: string[] = [];
  for (const child of supervisor.children) {
    if (!child.isIdle) busy.push(`${child.machine.getSnapshot().value} and busy is ${JSON.stringify(child)}`);
  }
  for (const [alias, { inFlight = 0 }] of Object.entries(layers)) {
    if (inFlight > 0) busy.push(`${inFlight} messages are on their way on the layer "${alias}"`);
  }
  return busy;
}
