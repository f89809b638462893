import { connectionState } from "../../actors/connection-machine.ts";
import { type Internals, internals } from "../internals.ts";
import type { RuntimeContext } from "../runtime-context.ts";
import { ExpectationError } from "./expectation-error.ts";
import type { WaitOptions } from "./wait-for.ts";

/** A runtime with any layers. */
export interface TestedRuntime {
  /** @internal */
  readonly [internals]: Internals;
  close(): Promise<void>;
}

const { setImmediate } = globalThis;

/**
 * Resolves once all mailboxes of `runtime` are empty, no handler runs, no actor is connecting or closing, and
 * no message is in flight on its memory layers.
 *
 * The check is exact for work that handlers await, and for messages that handlers send. It does not cover
 * job queues; data in sockets or in Redis; or timers, requests and invoked actors that no handler awaits.
 *
 * @throws {ExpectationError} if the runtime is not settled after `timeoutMs`. The message lists the busy
 *   actors, which keep running.
 */
export function settle(runtime: TestedRuntime, { timeoutMs = 1_000 }: WaitOptions = {}): Promise<void> {
  const { context } = runtime[internals];
  const end = performance.now() + timeoutMs;
  return new Promise((resolve, reject) => {
    const check = () => {
      const busy = listBusy(context);
      if (busy.length === 0) resolve();
      else if (performance.now() < end) setImmediate(check);
      else reject(new ExpectationError(`Not settled after ${timeoutMs} ms: ${busy.join(", ")}.`));
    };
    setImmediate(check);
  });
}

function listBusy({ supervisor, layers }: Pick<RuntimeContext, "layers" | "supervisor">): string[] {
  const busy: string[] = [];
  for (const child of supervisor.children) {
    if (child.isIdle) continue;
    const state = connectionState(child.machine.getSnapshot());
    busy.push(`an actor is busy (${state}): ${JSON.stringify(child)}`);
  }
  for (const [alias, { inFlight = 0 }] of Object.entries(layers)) {
    if (inFlight > 0) busy.push(`${inFlight} messages are in flight on the layer "${alias}"`);
  }
  return busy;
}
