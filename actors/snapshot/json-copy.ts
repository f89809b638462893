import { SnapshotError } from "./snapshot-error.ts";

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

export interface JsonObject {
  readonly [key: string]: Json;
}

/** Replaces an object before it is copied. Returns undefined for an object that is copied itself. */
export type Replace = (object: object, path: string) => Json | undefined;

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
  return new Copying(replace).copy(value, path);
}

export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Returns the path of the property `key` of the object at `path`. */
export function pathOf(path: string, key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`;
}

class Copying {
  readonly #replace: Replace | undefined;
  /** The objects that contain the current value. */
  readonly #parents: object[] = [];

  constructor(replace: Replace | undefined) {
    this.#replace = replace;
  }

  copy(value: unknown, path: string): Json {
    switch (typeof value) {
      case "string":
      case "boolean":
        return value;
      case "number":
        // JSON does not have a negative zero.
        if (Number.isFinite(value)) return value || 0;
        throw refused(path, String(value));
      case "object":
        return value === null ? null : this.#copyObject(value, path);
      case "undefined":
        throw refused(path, "undefined");
      default:
        throw refused(path, `a ${typeof value}`);
    }
  }

  #copyObject(object: object, path: string): Json {
    const replacement = this.#replace?.(object, path);
    if (replacement !== undefined) return replacement;
    const prototype: unknown = Object.getPrototypeOf(object);
    if (prototype !== Object.prototype && prototype !== Array.prototype && prototype !== null)
      throw refused(path, `an instance of ${object.constructor?.name || "an unnamed class"}`);
    if (this.#parents.includes(object)) throw refused(path, "an object that contains itself");
    if (this.#parents.length >= maxDepth) throw refused(path, `nested deeper than ${maxDepth} levels`);
    if (Object.getOwnPropertySymbols(object).length > 0)
      throw refused(path, "an object with a symbol as key");
    this.#parents.push(object);
    const copy = Array.isArray(object) ? this.#copyItems(object, path) : this.#copyProperties(object, path);
    this.#parents.pop();
    return copy;
  }

  #copyItems(array: readonly unknown[], path: string): Json[] {
    // Reads the indices up to the length, because `map` would skip the holes of a sparse array.
    const items = Array.from(array, (item, index) => this.copy(item, `${path}[${index}]`));
    if (Object.keys(array).length > items.length)
      throw refused(path, "an array with properties besides its items");
    return items;
  }

  #copyProperties(object: object, path: string): JsonObject {
    const properties: [string, Json][] = [];
    for (const [key, value] of Object.entries(object)) {
      if (value !== undefined) properties.push([key, this.copy(value, pathOf(path, key))]);
    }
    // Unlike an assignment, this also copies a key `__proto__` as a property.
    return Object.fromEntries(properties);
  }
}

function refused(path: string, kind: string): SnapshotError {
  return new SnapshotError(
    `A snapshot cannot hold ${path}, which is ${kind}. It can hold null, booleans, finite numbers, strings, ` +
      "arrays and plain objects.",
  );
}
