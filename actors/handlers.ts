import type { Delivery } from "../layers/message.ts";
import type { ConsumerTypesOf, MessagesOf } from "./consumer-types.ts";

/** A payload with every level readonly: all members on a node share one frozen object. */
export type DeepReadonly<T> = T extends readonly (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends Uint8Array
    ? T
    : T extends object
      ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
      : T;

/** Exactly one handler for each message type that `M` declares. */
export type Handlers<M> = {
  readonly [K in keyof M]: (message: DeepReadonly<M[K]>, delivery: Delivery) => unknown;
};

/**
 * Types the table of message handlers of consumer `C`; `this` inside a handler is the consumer.
 *
 * Only the table's own keys are message types, so a forged type (`constructor`, `connect`) does not reach the
 * consumer. A dot in a type reads as an underscore, as in Django Channels: `room.message` goes to
 * `room_message`. A type without an entry is dropped and counted as `unhandled`. Messages are frozen. A
 * returned promise is awaited before the next message or frame is handled.
 *
 * @example
 * ```ts
 * static override readonly on = handlers<RoomChat>({
 *   room_message({ message }) { this.send(message); },
 * });
 * ```
 */
export function handlers<C>(
  table: Handlers<MessagesOf<ConsumerTypesOf<C>>> & ThisType<C>,
): Handlers<MessagesOf<ConsumerTypesOf<C>>> {
  return table;
}

/** A handler, called with the consumer as `this`. */
export type Handler = (this: unknown, message: unknown, delivery: Delivery) => unknown;

// Tables are static, so each has one map; a lookup in a map finds own keys only.
const maps = new WeakMap<object, ReadonlyMap<string, Handler>>();

/** The handler that `table` has for a message type, if any. */
export function findHandler(table: object, type: string): Handler | undefined {
  let map = maps.get(table);
  if (!map) {
    map = new Map(Object.entries(table));
    maps.set(table, map);
  }
  return map.get(type) ?? (type.includes(".") ? map.get(type.replaceAll(".", "_")) : undefined);
}
