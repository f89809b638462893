import type { IsOpaque } from "../layers/carried.ts";

/** Refuses, at compile time, a value that JSON cannot hold. */
export interface NotInJson<T> {
  readonly json_cannot_hold: T;
}

/**
 * The type `T`, if JSON can hold its values, as {@link JsonWebSocketConsumer.sendJson} says. Any other part of `T`
 * becomes a type that refuses its values: a `Map`, a `Set`, an `Error`, bytes, a function, a symbol, and
 * `undefined` in an array. A value of the type `unknown` is accepted, and checked when it is sent.
 */
export type AsJson<T> = unknown extends T
  ? T
  : T extends string | number | boolean | bigint | null
    ? T
    : T extends ArrayBufferView
      ? NotInJson<T>
      : T extends { toJSON(...args: never): unknown }
        ? T
        : T extends undefined
          ? NotInJson<T>
          : IsOpaque<T> extends true
            ? NotInJson<T>
            : T extends readonly unknown[]
              ? { [K in keyof T]: AsJson<T[K]> }
              : { [K in keyof T]: AsJson<Exclude<T[K], undefined>> | Extract<T[K], undefined> };
