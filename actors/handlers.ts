import type { Delivery } from "../layers/message.ts";
import type { ConsumerTypesOf, MessagesOf } from "./consumer-types.ts";

/** A received message, readonly at every level. Members of a group on one node share one frozen object. */
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
export function handlers<C>(
  table: Handlers<MessagesOf<ConsumerTypesOf<C>>> & ThisType<C>,
): Handlers<MessagesOf<ConsumerTypesOf<C>>> {
  return table;
}

export type Handler = (this: unknown, message: unknown, delivery: Delivery) => unknown;

// Tables are static, so one map per table suffices. Unlike an object, a map has no inherited keys.
const maps = new WeakMap<object, ReadonlyMap<string, Handler>>();

/** Returns the handler for a message type from `table`; undefined if there is none. */
export function findHandler(table: object, type: string): Handler | undefined {
  let map = maps.get(table);
  if (!map) {
    map = new Map(Object.entries(table));
    maps.set(table, map);
  }
  return map.get(type) ?? (type.includes(".") ? map.get(type.replaceAll(".", "_")) : undefined);
}
