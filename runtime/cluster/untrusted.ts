import type { Message } from "../../layers/message.ts";

/** Validates a value from any program with access to the layer. Returns undefined for a malformed value. */
export type Reader<T> = (value: unknown) => T | undefined;

export type Read<R> = R extends Reader<infer T> ? T : never;

export type Fields = Readonly<Record<string, unknown>>;

export const fields: Reader<Fields> = (value) =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value)
    ? (value as Fields)
    : undefined;

/** Returns a reader of objects that have all fields of `readers`. The result contains only these fields. */
export function object<T extends object>(readers: { readonly [K in keyof T]-?: Reader<T[K]> }): Reader<T> {
  const entries = Object.entries(readers) as [string, Reader<unknown>][];
  return (value) => {
    const given = fields(value);
    const found: Record<string, unknown> = {};
    for (const [name, read] of entries) {
      found[name] = read(given?.[name]);
      if (found[name] === undefined) return undefined;
    }
    return found as T;
  };
}

export const list: Reader<readonly unknown[]> = (value) => (Array.isArray(value) ? value : undefined);

/** Returns a reader of lists of at most `max` items. */
export function each<T>(read: Reader<T>, max = Number.POSITIVE_INFINITY): Reader<readonly T[]> {
  return (value) => {
    const given = list(value);
    if (given === undefined || given.length > max) return undefined;
    const items = given.map(read);
    return items.every((item) => item !== undefined) ? (items as readonly T[]) : undefined;
  };
}

export const text =
  (maxLength: number): Reader<string> =>
  (value) =>
    typeof value === "string" && value.length <= maxLength ? value : undefined;

const matching =
  (pattern: RegExp): Reader<string> =>
  (value) =>
    typeof value === "string" && pattern.test(value) ? value : undefined;

export const shortText = text(1_100);

export const id = text(20);

/** The name of a group, a tag or a node. */
export const name = matching(/^[A-Za-z0-9._-]{1,99}$/);

/** The name of an actor's channel. */
export const channel = matching(/^(?=.{1,99}$)[A-Za-z0-9._-]+![A-Za-z0-9._-]+$/);

export const count: Reader<number> = (value) =>
  Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : undefined;

export const flag: Reader<boolean> = (value) => (typeof value === "boolean" ? value : undefined);

/** Reads a message inside another message. The layer has checked only that the values are plain. */
export const message: Reader<Message> = (value) => {
  const given = fields(value);
  const type = given?.type;
  if (typeof type !== "string" || type === "" || type.startsWith("xstate.")) return undefined;
  return given as Message;
};
