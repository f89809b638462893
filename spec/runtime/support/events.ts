import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { type RuntimeEventName, type RuntimeEvents, runtimeEvents } from "greenroom";
import { until } from "../../layers/support/until.ts";
import { isByMachine } from "../../support/serving.ts";

export type KeptEvent = {
  [N in RuntimeEventName]: RuntimeEvents[N] & { readonly name: N };
}[RuntimeEventName];

/**
 * Subscribes to channels, by default to all, for each spec of a suite, and keeps their events. Omits handlers that block
 * the event loop, because a busy machine can interrupt any handler.
 */
export function keepEvents(names: readonly RuntimeEventName[] = runtimeEvents) {
  let events: KeptEvent[] = [];
  const keep = (event: unknown, name: string | symbol) => {
    const kept = { ...(event as object), name } as KeptEvent;
    if (kept.name !== "greenroom:error" || !isByMachine(kept.error)) events.push(kept);
  };
  beforeEach(() => {
    events = [];
    for (const name of names) subscribe(name, keep);
  });
  afterEach(() => {
    for (const name of names) unsubscribe(name, keep);
  });
  return {
    get all(): readonly KeptEvent[] {
      return events;
    },
    /** Waits for the first event of a channel. */
    async first<N extends RuntimeEventName>(name: N): Promise<RuntimeEvents[N]> {
      const find = () => events.find((event) => event.name === name) as unknown as RuntimeEvents[N];
      await until(() => find() !== undefined);
      return find();
    },
  };
}
