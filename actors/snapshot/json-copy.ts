import { SnapshotError } from "./snapshot-error.ts";

/** A value that JSON can hold. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

/** An object that JSON can hold. */
export interface JsonObject {
  readonly [key: string]: Json;
}

/**
 * Replaces an object before it is copied. Returns undefined for an object that is copied itself. `path` returns the
 * place of the object.
 */
export type Replace = (object: object, path: () => string) => Json | undefined;

/** Maximum nesting depth. `JSON.stringify` and `JSON.parse` fail only at a much greater depth. */
const maxDepth = 500;

/**
 * Returns a deep copy of `value`, which does not change when it is converted to JSON and back. Omits
 * properties that are undefined.
 *
 * @param path the place of `value` in the snapshot, for errors
 * @throws {SnapshotError} if JSON cannot hold a value. The message names the kind of the value and its path.
 */
export function jsonCopy(value: unknown, path: string, replace?: Replace): Json {
  return new Copying(path, replace).copy(value);
}

export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Returns the path of the property `key` of the object at `path`. */
export function pathOf(path: string, key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`;
}

class Copying {
  readonly #start: string;
  readonly #replace: Replace | undefined;
  /** The objects that contain the current value. */
  readonly #parents: object[] = [];
  /** The key or index of each value on the path to the current one. The path itself is only needed for an error. */
  readonly #keys: (string | number)[] = [];

  constructor(start: string, replace: Replace | undefined) {
    this.#start = start;
    this.#replace = replace;
  }

  copy(value: unknown): Json {
    switch (typeof value) {
      case "string":
      case "boolean":
        return value;
      case "number":
        // JSON does not have a negative zero.
        if (Number.isFinite(value)) return value || 0;
        throw this.#refused(String(value));
      case "object":
        return value === null ? null : this.#copyObject(value);
      case "undefined":
        throw this.#refused("undefined");
      default:
        throw this.#refused(`a ${typeof value}`);
    }
  }

  #copyObject(object: object): Json {
    const replacement = this.#replace?.(object, () => this.#path());
    if (replacement !== undefined) return replacement;
    const prototype: unknown = Object.getPrototypeOf(object);
    if (prototype !== Object.prototype && prototype !== Array.prototype && prototype !== null)
      throw this.#refused(`an instance of ${object.constructor?.name || "an unnamed class"}`);
    if (this.#parents.includes(object)) throw this.#refused("an object that contains itself");
    if (this.#parents.length >= maxDepth) throw this.#refused(`nested deeper than ${maxDepth} levels`);
    if (Object.getOwnPropertySymbols(object).length > 0)
      throw this.#refused("an object with a symbol as key");
    this.#parents.push(object);
    const copy = Array.isArray(object) ? this.#copyItems(object) : this.#copyProperties(object);
    this.#parents.pop();
    return copy;
  }

  #copyItems(array: readonly unknown[]): Json[] {
    // Reads the indices up to the length, because `map` would skip the holes of a sparse array.
    const items = Array.from(array, (item, index) => this.#copyAt(index, item));
    if (Object.keys(array).length > items.length)
      throw this.#refused("an array with properties besides its items");
    return items;
  }

  #copyProperties(object: object): JsonObject {
    const properties: Record<string, Json> = {};
    for (const [key, value] of Object.entries(object)) {
      if (value === undefined) continue;
      const copy = this.#copyAt(key, value);
      // An assignment would set the prototype.
      if (key === "__proto__") Object.defineProperty(properties, key, { ...data, value: copy });
      else properties[key] = copy;
    }
    return properties;
  }

  #copyAt(key: string | number, value: unknown): Json {
    this.#keys.push(key);
    const copy = this.copy(value);
    this.#keys.pop();
    return copy;
  }

  #path(): string {
    return this.#keys.reduce<string>(
      (path, key) => (typeof key === "number" ? `${path}[${key}]` : pathOf(path, key)),
      this.#start,
    );
  }

  #refused(kind: string): SnapshotError {
    return new SnapshotError(
      `A snapshot cannot hold ${this.#path()}, which is ${kind}. It can hold null, booleans, finite numbers, strings, ` +
        "arrays and plain objects.",
    );
  }
}

const data = { configurable: true, enumerable: true, writable: true };
