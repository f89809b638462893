/**
 * The client for React 18 and later.
 *
 * @module greenroom/client/react
 */
import { useEffect, useInsertionEffect, useRef, useState, useSyncExternalStore } from "react";
import type { Contract, ServerFrames } from "../../contract/index.ts";
import {
  type AnyClient,
  type Client,
  type ConnectOptions,
  type ContractConnectOptions,
  connect,
  type RawClient,
} from "../index.ts";
import { type ConnectionState, createStore, unmounted } from "./store.ts";

export type { ConnectionState } from "./store.ts";

/** Connects without a contract. */
export function useConnection(
  options: ConnectOptions & { readonly url: string | URL },
): ConnectionState<RawClient>;
/**
 * Connects to the path of a contract while the component is mounted. `client` is undefined until then, and when a
 * server renders the component. The component renders again when the status changes. When it is unmounted, the
 * client sends what is queued, and ends its session.
 *
 * The options are compared by value, as JSON. A change closes the client and creates another one. Functions are not
 * compared: the client calls the `token` of the latest render. Strict mode and a hot reload of the component keep
 * the client.
 *
 * Each call has a client of its own. To share one, pass it to other components.
 *
 * @param contract compared by identity: create it outside of the component.
 * @throws what {@link connect} throws, to the error boundary of the component.
 *
 * @example
 * ```tsx
 * function Room({ room }: { room: string }) {
 *   const { client, status } = useConnection(roomChat, { params: { room } });
 *   const [lines, setLines] = useState<string[]>([]);
 *   useEvents(client, "said", ({ text }) => setLines((lines) => [...lines, text]));
 *   return <button disabled={status.state !== "joined"} onClick={() => client?.send("say", { text: "hi" })} />;
 * }
 * ```
 */
export function useConnection<K extends Contract>(
  contract: K,
  options: ContractConnectOptions<K>,
): ConnectionState<Client<K>>;
export function useConnection(
  first: Contract | ConnectOptions,
  second?: ConnectOptions,
): ConnectionState<AnyClient> {
  const options = second ?? (first as ConnectOptions);
  const contract = second && (first as Contract);
  const key = JSON.stringify(options);
  const latest = useLatest(options);

  const create = () => {
    const token = () => {
      const { token = "" } = latest.current;
      return typeof token === "function" ? token() : token;
    };
    const open = (): AnyClient =>
      contract
        ? connect(contract, { ...options, token })
        : connect({ ...(options as ConnectOptions & { readonly url: string }), token });
    return { contract, key, store: createStore(open) };
  };
  // React may forget the value of `useMemo`, and a hot reload does. A forgotten store would end the session.
  const [held, setHeld] = useState(create);
  let current = held;
  if (held.contract !== contract || held.key !== key) {
    current = create();
    setHeld(current);
  }
  const { subscribe, getSnapshot } = current.store;
  return useSyncExternalStore(subscribe, getSnapshot, () => unmounted);
}

/**
 * Calls the listener of the latest render for each frame of `type`, while the component is mounted.
 *
 * @param client waits for it if it is undefined.
 *
 * @example
 * ```ts
 * const { client } = useConnection(roomChat, { params: { room: "tea" } });
 * useEvents(client, "said", ({ from, text }) => console.log(from, text));
 * ```
 */
export function useEvents<K, T extends keyof ServerFrames<K> & string>(
  client: Client<K> | undefined,
  type: T,
  listener: (payload: ServerFrames<K>[T]) => void,
): void;
/** Calls the listener for each frame of a client without a contract, as text, as a JSON value or as bytes. */
export function useEvents<T extends keyof RawFrames>(
  client: RawClient | undefined,
  type: T,
  listener: (frame: RawFrames[T]) => void,
): void;
export function useEvents(
  client: object | undefined,
  type: string,
  listener: (payload: never) => void,
): void {
  const latest = useLatest(listener);
  useEffect(
    () => (client as Listening | undefined)?.on(type, (payload) => latest.current(payload)),
    [client, type, latest],
  );
}

interface RawFrames {
  readonly text: string;
  readonly json: unknown;
  readonly bytes: Uint8Array;
}

interface Listening {
  on(type: string, listener: (payload: never) => void): () => void;
}

/** The value of the latest render that React has committed. */
function useLatest<T>(value: T): { readonly current: T } {
  const latest = useRef(value);
  useInsertionEffect(() => {
    latest.current = value;
  });
  return latest;
}
