import type { Message, MessageOf } from "./message.ts";

/** Refuses, at compile time, a value that a message cannot hold. */
export interface NotInMessage<T> {
  readonly a_message_cannot_hold: T;
}

type Scalar = string | number | boolean | bigint | null | undefined;

type Opaque =
  | symbol
  | ((...args: never) => unknown)
  | (abstract new (
      ...args: never
    ) => unknown)
  | Date
  | RegExp
  | ReadonlyMap<unknown, unknown>
  | ReadonlySet<unknown>
  | PromiseLike<unknown>
  | ArrayBufferLike
  | ArrayBufferView;

/**
 * Whether the content of `T` is not in its properties. Plain data with a name and a message also extend `Error`,
 * but have no `stack`.
 */
export type IsOpaque<T> = T extends Opaque
  ? true
  : T extends Error
    ? "stack" extends keyof T
      ? true
      : false
    : false;

/**
 * The type `T`, if a message can hold its values: null, booleans, numbers, bigints, strings, `Uint8Array`, and
 * arrays and plain objects of these. Any other part of `T` becomes a type that refuses its values. A value of
 * the type `unknown` is accepted, because only the sender can check it, when it encodes the message.
 */
export type Carried<T> = unknown extends T
  ? T
  : T extends Scalar | Uint8Array
    ? T
    : IsOpaque<T> extends true
      ? NotInMessage<T>
      : { [K in keyof T]: Carried<T[K]> };

/**
 * The message that a layer with the messages `M` takes: a declared one, or else any message, of the type `T`. If
 * the messages are unknown, the layer takes none.
 */
export type Sendable<M, T> = [M] extends [never]
  ? never
  : string extends keyof M
    ? T & Carried<T>
    : Carried<MessageOf<M>>;

/** Any message. Unlike a {@link Message}, it can be of an interface type. */
export type AnyMessage = Pick<Message, "type">;
