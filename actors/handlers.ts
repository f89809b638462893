import type { Delivery, Message } from "../layers/message.ts";
import type { ConsumerTypesOf, MessagesOf, ServerFramesOf } from "./consumer-types.ts";
import { isRelay, type Relay, RelayedTexts, relayFrame } from "./contract/relay.ts";

/** A received message, readonly at every level. Members of a group on one node share one frozen object. */
export type DeepReadonly<T> = T extends readonly (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends Uint8Array
    ? T
    : T extends object
      ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
      : T;

/**
 * Exactly one handler for each message type that `M` declares. A message that is a frame of `S`, the frames that
 * the server may send, can be relayed instead.
 */
export type Handlers<M, S = Record<never, never>> = {
  readonly [K in keyof M]:
    | ((message: DeepReadonly<M[K]>, delivery: Delivery) => unknown)
    | RelayAs<"=", M[K], K extends keyof S ? [S[K]] : []>
    | { [T in keyof S & string]: RelayAs<T, M[K], [S[T]]> }[keyof S & string];
};

/** A relay of the message `M` as the frame `F`. Refuses, at compile time, a message that does not fit the frame. */
type RelayAs<T extends string, M, F extends readonly unknown[]> = F extends readonly [infer Frame]
  ? [M] extends [Frame]
    ? Relay<T>
    : Relay<T> & { readonly the_message_does_not_fit_the_frame: Frame }
  : Relay<T> & { readonly no_frame_of_the_server_has_the_type_of_the_message: true };

type HandlersOf<C> = Handlers<MessagesOf<ConsumerTypesOf<C>>, ServerFramesOf<ConsumerTypesOf<C>>>;

/**
 * Declares the message handlers of consumer `C`. Inside a handler, `this` is the consumer.
 *
 * Only the table's own keys are message types, so a forged type such as `constructor` calls no method. In a
 * handler's name, an underscore also stands for a dot, as in Django Channels: `room_message` handles
 * `room.message`, too. A message without a handler is dropped and counted as `unhandled`. Messages are
 * frozen. If a handler returns a promise, the next message or frame waits until the promise settles.
 *
 * @example
 * ```ts
 * static override readonly on = handlers<RoomChat>({
 *   room_message({ message }) { this.send(message); },
 * });
 * ```
 */
export function handlers<C>(table: HandlersOf<C> & ThisType<C>): HandlersOf<C> {
  return table;
}

export type Handler = (this: unknown, message: unknown, delivery: Delivery) => unknown;

interface Relaying {
  [relayFrame](type: string, message: Message, delivery: Delivery, texts: RelayedTexts): void;
}

/** The handlers that relay. */
const relaying = new WeakSet<Handler>();

// Tables are static, so one map per table suffices. Unlike an object, a map has no inherited keys.
const maps = new WeakMap<object, ReadonlyMap<string, unknown>>();

/**
 * Returns the entry for a message type from `table`, as `make` returned it for its key and value; undefined if there
 * is none. Calls `make` once for each entry of a table. A table always has the same `make`.
 */
export function findEntry<T>(
  table: object,
  type: string,
  make: (key: string, value: unknown) => T,
): T | undefined {
  let map = maps.get(table) as ReadonlyMap<string, T> | undefined;
  if (!map) {
    map = new Map(Object.entries(table).map(([key, value]) => [key, make(key, value)]));
    maps.set(table, map);
  }
  return map.get(type) ?? (type.includes(".") ? map.get(type.replaceAll(".", "_")) : undefined);
}

/** Returns the handler for a message type from `table`; undefined if there is none. */
export const findHandler = (table: object, type: string): Handler | undefined =>
  findEntry(table, type, handlerOf);

function handlerOf(key: string, entry: unknown): Handler {
  if (!isRelay(entry)) return entry as Handler;
  const type = entry.relay === "=" ? key : entry.relay;
  const texts = new RelayedTexts();
  const handler: Handler = function (this: unknown, message, delivery) {
    (this as Relaying)[relayFrame](type, message as Message, delivery, texts);
  };
  relaying.add(handler);
  return handler;
}

/** Returns the handler for a message type from `table`, if it relays. */
export function findRelay(table: object, type: string): Handler | undefined {
  const handler = findHandler(table, type);
  return handler !== undefined && relaying.has(handler) ? handler : undefined;
}

/** Whether `table` relays messages of any type. */
export const hasRelays = (table: object): boolean => Object.values(table).some(isRelay);
