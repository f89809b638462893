import type { FrameIssue, Schema } from "../../contract/index.ts";
import { isPromise } from "../../layers/async-errors.ts";
import { textOf } from "../../layers/errors.ts";

/** The outcome of a validation: the value that the schema gives, or the reasons why the input does not fit. */
export type Validation =
  | { readonly value: unknown; readonly issues?: undefined }
  | { readonly issues: readonly FrameIssue[] };

/**
 * The limits of a refusal, because a client may choose how many parts of its payload do not fit, and how long
 * their paths are. `total` is the number of characters of all issues, but the first issue is always kept.
 */
const limits = { issues: 20, keys: 20, text: 200, total: 4_000 };

/**
 * Validates `value`. Returns a promise only if the schema does. The number and the texts of the issues are
 * limited. The caller handles the stray errors of the schema: see {@link ConsumerContext.runSchema}.
 *
 * @throws what the schema throws, and a {@link TypeError} if the schema returns another value than Standard
 *   Schema allows. A returned promise rejects with the same errors.
 */
export function validate(schema: Schema, value: unknown): Validation | Promise<Validation> {
  const result: unknown = schema["~standard"].validate(value);
  return isPromise(result) ? Promise.resolve(result).then(read) : read(result);
}

/**
 * Validates a payload, or its `value`: a payload that is not an object is carried as `value`. A schema does not tell
 * whether it takes objects, so the object is validated first. If `value` is its only property, and no issue is about
 * this property, then `value` is validated instead.
 */
export function validatePayload(
  schema: Schema,
  payload: Readonly<Record<string, unknown>>,
): Validation | Promise<Validation> {
  const outcome = validate(schema, payload);
  const keys = Object.keys(payload);
  if (keys.length !== 1 || keys[0] !== "value") return outcome;
  const retry = (first: Validation): Validation | Promise<Validation> => {
    if (first.issues === undefined || first.issues.some(({ path }) => path[0] === "value")) return first;
    const refusesObject = first.issues.some(({ path }) => path.length === 0);
    const choose = (second: Validation) => (second.issues === undefined || refusesObject ? second : first);
    const second = validate(schema, payload.value);
    return isPromise(second) ? second.then(choose) : choose(second);
  };
  return isPromise(outcome) ? outcome.then(retry) : retry(outcome);
}

function read(result: unknown): Validation {
  if (typeof result === "object" && result !== null) {
    const { issues } = result as { readonly issues?: unknown };
    if (Array.isArray(issues) && issues.length > 0) return { issues: readIssues(issues) };
    if (!issues && "value" in result) return { value: result.value };
  }
  throw new TypeError(`A schema must return a value or a list of issues, not ${textOf(result)}.`);
}

function readIssues(given: readonly unknown[]): readonly FrameIssue[] {
  const issues: FrameIssue[] = [];
  let total = 0;
  for (const next of given) {
    if (issues.length === limits.issues) break;
    const issue = readIssue(next);
    total += issue.message.length;
    for (const key of issue.path) total += String(key).length;
    if (total > limits.total && issues.length > 0) break;
    issues.push(issue);
  }
  return issues;
}

function readIssue(given: unknown): FrameIssue {
  const { message, path } = Object(given) as { readonly message?: unknown; readonly path?: unknown };
  return {
    // Arktype's paths are of a subclass of Array, whose `slice` and `map` turn an empty path into `[0]`.
    path: Array.isArray(path) ? Array.from(path).slice(0, limits.keys).map(readKey) : [],
    message: shortened(String(message)),
  };
}

/** A step of a path is a key, or an object with a key. JSON holds neither symbols nor infinite numbers. */
function readKey(step: unknown): string | number {
  const value = typeof step === "object" && step !== null ? (step as { readonly key?: unknown }).key : step;
  return Number.isFinite(value) ? (value as number) : shortened(String(value));
}

/** The maximum number of characters in the list of issues in a message. `issues` has all of them. */
const longestList = 1_000;

export function listIssues(issues: readonly FrameIssue[]): string {
  const list = issues.map(({ path, message }) =>
    path.length === 0 ? message : `${path.join(".")}: ${message}`,
  );
  return shorten(list.join("; "), longestList);
}

const shortened = (text: string): string => shorten(text, limits.text);

/** Cuts `text` after `length` characters, and marks the cut. */
export const shorten = (text: string, length: number): string =>
  text.length <= length ? text : `${text.slice(0, length)}…`;
