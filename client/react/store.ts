import type { AnyClient, Status } from "../client.ts";

/** The client of a component, and its status. */
export interface ConnectionState<C> {
  /** Undefined until the component is mounted. */
  readonly client: C | undefined;
  readonly status: Status;
}

/** A connection that is open while its store has a subscriber, as `useSyncExternalStore` expects it. */
export interface ConnectionStore<C> {
  subscribe(listener: () => void): () => void;
  getSnapshot(): ConnectionState<C>;
}

/** The state of a component that is not mounted, and of one that a server renders. */
export const unmounted: ConnectionState<never> = { client: undefined, status: { state: "connecting" } };

/** @param open called for the first subscriber, and for the first one after `close`. */
export function createStore<C extends AnyClient>(open: () => C): ConnectionStore<C> {
  let state: ConnectionState<C> = unmounted;
  let notify: (() => void) | undefined;

  function change(client: C): void {
    state = { client, status: client.status };
    notify?.();
  }

  /** Strict mode and a hot reload unsubscribe and subscribe again before the next microtask. */
  function closeUnlessUsed(): void {
    if (notify !== undefined) return;
    void state.client?.close();
    state = unmounted;
  }

  return {
    subscribe(listener) {
      notify = listener;
      if (state.client === undefined) {
        const client = open();
        client.onStatus(() => {
          if (state.client === client) change(client);
        });
        change(client);
      }
      return () => {
        notify = undefined;
        queueMicrotask(closeUnlessUsed);
      };
    },
    getSnapshot: () => state,
  };
}
