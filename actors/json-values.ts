/** JSON of more levels than this is refused. */
const maxDepth = 1_000;

/** The error for a value that JSON cannot hold, or would change. Its name is `TypeError`. */
export class NotJsonError extends TypeError {}

/** The keys from the outermost value to the current one. */
type Path = (string | number)[];

/**
 * Checks that JSON carries `value` unchanged. Returns `value`, or a copy with the results of `toJSON` methods,
 * so that `JSON.stringify` does not call these methods again. A property with the value `undefined` is left
 * out, as in JSON. A bigint is accepted: {@link bigIntAsText} replaces it.
 *
 * @throws {TypeError} naming the path of a value that `JSON.stringify` would change or leave out silently.
 */
export function checkJson(value: unknown): unknown {
  if (typeof value === "object" && value !== null) return checkObject(value, []);
  return checkPrimitive(value, []);
}

function checkPrimitive(value: unknown, path: Path): unknown {
  if (!isPrimitive(value)) throw refused(value, path);
  return value;
}

function checkObject(value: object, path: Path): unknown {
  if (path.length > maxDepth) throw tooDeep(value);
  const { toJSON } = value as { readonly toJSON?: unknown };
  if (typeof toJSON === "function") return checkForm(value as Properties, toJSON as ToJson, path);
  if (Array.isArray(value)) return checkArray(value, path);
  return isPlain(value) ? checkPlain(value, path) : checkInstance(value as Properties, path);
}

function checkArray(values: readonly unknown[], path: Path): readonly unknown[] {
  let copy: unknown[] | undefined;
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index];
    if (typeof value === "object" && value !== null) {
      path.push(index);
      const checked = checkObject(value, path);
      if (checked === undefined) throw refused(checked, path);
      path.pop();
      if (checked === value) continue;
      copy ??= [...values];
      copy[index] = checked;
    } else if (!isPrimitive(value)) throw refused(value, [...path, index]);
  }
  return copy ?? values;
}

type Properties = Readonly<Record<string, unknown>>;

// `for in` takes half the time of `Object.keys`. A plain object inherits no enumerable properties.
function checkPlain(object: Properties, path: Path): unknown {
  let copy: Record<string, unknown> | undefined;
  for (const key in object) {
    const value = object[key];
    if (typeof value === "object" && value !== null) {
      path.push(key);
      const checked = checkObject(value, path);
      path.pop();
      if (checked === value) continue;
      copy ??= { ...object };
      copy[key] = checked;
    } else if (!isPrimitive(value) && value !== undefined) {
      throw refused(value, [...path, key]);
    }
  }
  return copy ?? object;
}

type ToJson = (this: unknown, key: string) => unknown;

/** Checks what the method `toJSON` of `value` returns, instead of `value`. */
function checkForm(value: Properties, toJSON: ToJson, path: Path): unknown {
  if (isBytes(value)) throw refused(value, path);
  if (value instanceof Date && toJSON === Date.prototype.toJSON) {
    if (Number.isNaN(value.getTime())) throw refused(value, path);
    return value;
  }
  const json = toJSON.call(value, String(path.at(-1) ?? ""));
  if (json === value) return Array.isArray(value) ? checkArray(value, path) : checkInstance(value, path);
  if (typeof json === "object" && json !== null) return checkObject(json, path);
  return json === undefined ? json : checkPrimitive(json, path);
}

/** Checks an instance of a class by its properties. Its method `toJSON`, if there is one, returns the instance. */
function checkInstance(value: Properties, path: Path): unknown {
  if (isBytes(value)) throw refused(value, path);
  if (isBoxed(value)) return checkPrimitive(value.valueOf(), path);
  // The properties are checked in a copy, which is an ordinary object. JSON leaves out the method.
  const copy: Properties = { ...value, ...(typeof value.toJSON === "function" && { toJSON: undefined }) };
  if (isOpaque(value, copy)) throw refused(value, path);
  const checked = checkPlain(copy, path);
  return checked === copy ? value : checked;
}

function isPrimitive(value: unknown): boolean {
  switch (typeof value) {
    case "string":
    case "boolean":
    case "bigint":
      return true;
    case "number":
      return Number.isFinite(value);
    default:
      return value === null;
  }
}

function isPlain(value: object): value is Properties {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

const isBytes = (value: unknown): boolean =>
  ArrayBuffer.isView(value) || value instanceof ArrayBuffer || value instanceof SharedArrayBuffer;

/** Whether JSON unwraps `value`, such as `new Number(3)`. */
const isBoxed = (value: unknown): boolean =>
  value instanceof Number || value instanceof Boolean || value instanceof String || value instanceof BigInt;

/** A replacer for `JSON.stringify`: returns the decimal digits of a bigint, and any other value unchanged. */
export function bigIntAsText(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? String(value) : value;
}

/** Whether the content of an instance is not in its `properties`. */
function isOpaque(value: object, properties: Properties): boolean {
  if (isPlain(value)) return false;
  if (value instanceof Error || value instanceof Map || value instanceof Set) return true;
  for (const _ in properties) return false;
  // Specs often run in a realm of their own, in which object literals have another prototype.
  return Object.getPrototypeOf(Object.getPrototypeOf(value)) !== null;
}

function refused(value: unknown, path: Path): NotJsonError {
  const at = path.length === 0 ? "" : ` (at ${pathText(path)})`;
  return new NotJsonError(`JSON cannot hold ${kindOf(value)}${at}: ${adviceFor(value)}.`);
}

/** The error for a cycle is that of `JSON.stringify`. */
function tooDeep(value: object): TypeError {
  try {
    JSON.stringify(value, bigIntAsText);
  } catch (error) {
    // Far deeper values exceed the stack.
    if (!(error instanceof RangeError)) return error as TypeError;
  }
  return new NotJsonError(`JSON is nested deeper than ${maxDepth} levels: send a flatter value.`);
}

const longestPath = 200;

function pathText(path: Path): string {
  const text = path.map(stepText).join("");
  return text.length <= longestPath ? text : `${text.slice(0, longestPath)}…`;
}

function stepText(key: string | number): string {
  if (typeof key === "string" && /^[A-Za-z_$][\w$]*$/.test(key)) return `.${key}`;
  return `[${JSON.stringify(key)}]`;
}

function kindOf(value: unknown): string {
  if (typeof value === "number" || value === undefined) return String(value);
  if (typeof value !== "object" || value === null) return `a ${typeof value}`;
  if (value instanceof Date) return "an invalid date";
  const { name = "" } = value.constructor ?? {};
  // The tag of an iterator, whose constructor is `Object`, is `Map Iterator`.
  const tag = Object.prototype.toString.call(value).slice("[object ".length, -1);
  return `an instance of ${name === "" || name === "Object" ? tag : name}`;
}

function adviceFor(value: unknown): string {
  if (value === undefined || typeof value === "number") return "send null or a string instead";
  if (typeof value === "function" || typeof value === "symbol") return "leave it out";
  if (value instanceof Date) return "send null or a valid date instead";
  if (value instanceof Map) return "send [...map] or Object.fromEntries(map) instead";
  if (value instanceof Error) return "send its message instead";
  if (isBytes(value)) return "send the bytes as a binary frame, or as a base64 string";
  if (typeof (value as Partial<Iterable<unknown>>)[Symbol.iterator] === "function")
    return "send an array instead";
  return "send a plain object instead, or give the class a method toJSON";
}
