import type { AsyncApiParameter, JsonSchema } from "./document.ts";

/** The path of a route as an address: `/ws/room/:room` becomes `/ws/room/{room}`. */
export const addressOf = (path: string): string => path.replace(/:(\w+)/g, "{$1}");

/**
 * Describes the parameters of a path. A parameter of AsyncAPI is a text without a schema, so the rules of a schema
 * become a part of the description.
 * @param schema the schema of the object with all parameters
 */
export function parametersOf(
  path: string,
  schema: JsonSchema | undefined,
): Readonly<Record<string, AsyncApiParameter>> | undefined {
  const names = [...path.matchAll(/:(\w+)/g)].map(([, name]) => name as string);
  if (names.length === 0) return undefined;
  const properties = (schema?.properties ?? {}) as Readonly<Record<string, JsonSchema>>;
  return Object.fromEntries(
    names.map((name) => [name, Object.hasOwn(properties, name) ? parameter(properties[name]) : {}]),
  );
}

function parameter(schema: JsonSchema = {}): AsyncApiParameter {
  const { description, enum: values, const: only, default: otherwise, examples } = schema;
  const text = describedBy(description, schema);
  const list = only === undefined ? values : [only];
  return {
    ...(text !== "" && { description: text }),
    ...(Array.isArray(list) && { enum: list.map(String) }),
    ...(otherwise !== undefined && { default: String(otherwise) }),
    ...(Array.isArray(examples) && { examples: examples.map(String) }),
    ...(Object.keys(schema).length > 0 && { "x-schema": schema }),
  };
}

/** The description of a schema, followed by its rules. */
export function describedBy(description: unknown, schema: JsonSchema): string {
  const own = typeof description === "string" ? description : "";
  const rules = rulesOf(schema);
  return own === "" || rules === ""
    ? own + rules
    : `${own.replace(/\.?\s*$/, ".")} ${rules.charAt(0).toUpperCase()}${rules.slice(1)}`;
}

/** The rules of a schema of a text, or of a number, in words. Empty if it has none. */
function rulesOf(schema: JsonSchema): string {
  const { minLength, maxLength, minItems, maxItems, minimum, maximum, pattern, format } = schema;
  return [
    range(minLength, maxLength, "characters"),
    range(minItems, maxItems, "items"),
    range(bound(minimum), bound(maximum), ""),
    schema.exclusiveMinimum === undefined ? "" : `more than ${schema.exclusiveMinimum}`,
    schema.exclusiveMaximum === undefined ? "" : `less than ${schema.exclusiveMaximum}`,
    schema.multipleOf === undefined ? "" : `a multiple of ${schema.multipleOf}`,
    format === undefined ? "" : `format ${format}`,
    pattern === undefined || format !== undefined ? "" : `matches ${pattern}`,
  ]
    .filter(Boolean)
    .join(", ");
}

/** Libraries write the range of safe integers, which is not a rule of the application. */
const bound = (value: unknown): unknown =>
  typeof value === "number" && Math.abs(value) === Number.MAX_SAFE_INTEGER ? undefined : value;

function range(min: unknown, max: unknown, unit: string): string {
  const withUnit = (text: string) => (unit === "" ? text : `${text} ${unit}`);
  if (min === undefined && max === undefined) return "";
  if (min === undefined) return withUnit(`at most ${max}`);
  if (max === undefined) return withUnit(`at least ${min}`);
  return withUnit(min === max ? `${min}` : `${min} to ${max}`);
}
