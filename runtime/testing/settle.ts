import { connectionState } from "../../actors/connection-machine.ts";
import type { ChannelLayer } from "../../layers/channel-layer.ts";
import { type Internals, internals } from "../internals.ts";
import type { RuntimeContext } from "../runtime-context.ts";
import { ExpectationError } from "./expectation-error.ts";
import { afterLimit, type WaitOptions } from "./wait-for.ts";

/** A runtime with any layers. */
export interface TestedRuntime {
  /** @internal */
  readonly [internals]: Internals;
  /** Closes the runtime. */
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
export function settle(runtime: TestedRuntime, options: WaitOptions = {}): Promise<void> {
  const { context } = runtime[internals];
  return whenIdle(() => listBusy(context), options);
}

/** Resolves once no message is in flight on `layer`, if it counts them. @throws {ExpectationError} as `settle` does. */
export function settleLayer(layer: Pick<ChannelLayer, "inFlight">, options: WaitOptions): Promise<void> {
  return whenIdle(() => listInFlight(layer), options);
}

function whenIdle(listBusy: () => readonly string[], { timeoutMs = 1_000 }: WaitOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    let isOver = false;
    const cancel = afterLimit(timeoutMs, () => {
      isOver = true;
    });
    const check = () => {
      const busy = listBusy();
      if (busy.length > 0 && !isOver) {
        setImmediate(check);
        return;
      }
      cancel();
      if (busy.length === 0) resolve();
      else reject(new ExpectationError(`Not settled after ${timeoutMs} ms: ${busy.join(", ")}.`));
    };
    setImmediate(check);
  });
}

const listInFlight = ({ inFlight = 0 }: Pick<ChannelLayer, "inFlight">, where = ""): string[] =>
  inFlight > 0 ? [`${inFlight} messages are in flight${where}`] : [];

function listBusy({ supervisor, layers }: Pick<RuntimeContext, "layers" | "supervisor">): string[] {
  const busy: string[] = [];
  for (const child of supervisor.children) {
    if (child.isIdle) continue;
    const state = connectionState(child.machine.getSnapshot());
    busy.push(`an actor is busy (${state}): ${JSON.stringify(child)}`);
  }
  for (const [alias, layer] of Object.entries(layers)) {
    busy.push(...listInFlight(layer, ` on the layer "${alias}"`));
  }
  return busy;
}
