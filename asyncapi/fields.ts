import type { JsonSchema } from "./document.ts";
import { describedBy } from "./parameters.ts";

/** A row in the table of a payload. */
export interface Field {
  /** The keys to the field, such as `members[].name`. */
  readonly path: string;
  /** The type in words, such as `array of string`. */
  readonly type: string;
  readonly isRequired: boolean;
  readonly description: string;
}

type Resolve = (ref: unknown) => JsonSchema | undefined;

const maxDepth = 5;

/** The fields of a schema of objects, with those of inner objects after their parents. */
export function fieldsOf(schema: JsonSchema, resolve: Resolve): readonly Field[] {
  return inner(schema, "", resolve, []);
}

/** The alternatives of a schema; the schema itself if it has none. */
export function alternativesOf(schema: JsonSchema): readonly JsonSchema[] {
  const list = schema.anyOf ?? schema.oneOf;
  return Array.isArray(list) && !("properties" in schema) ? list.flatMap(alternativesOf) : [schema];
}

function inner(
  given: JsonSchema,
  prefix: string,
  resolve: Resolve,
  outer: readonly JsonSchema[],
): readonly Field[] {
  const schema = resolve(given.$ref) ?? given;
  // A recursive schema is shown once.
  if (outer.includes(schema) || outer.length > maxDepth) return [];
  const within = [...outer, schema];
  const parts = (Array.isArray(schema.allOf) ? schema.allOf : []) as readonly JsonSchema[];
  const required = (schema.required ?? []) as readonly string[];
  const own = Object.entries((schema.properties ?? {}) as Readonly<Record<string, JsonSchema>>).flatMap(
    ([key, property]) => {
      const path = `${prefix}${key}`;
      const { description } = resolve(property.$ref) ?? property;
      const row: Field = {
        path,
        type: typeText(property, resolve),
        isRequired: required.includes(key),
        description: describedBy(description, property),
      };
      return [row, ...below(property, path, resolve, within)];
    },
  );
  const fields = [...own, ...parts.flatMap((part) => inner(part, prefix, resolve, within))];
  return [...new Map(fields.map((field) => [field.path, field])).values()];
}

function below(
  given: JsonSchema,
  path: string,
  resolve: Resolve,
  outer: readonly JsonSchema[],
): readonly Field[] {
  const schema = resolve(given.$ref) ?? given;
  const { items } = schema;
  if (typeof items === "object" && items !== null && !Array.isArray(items))
    return below(items as JsonSchema, `${path}[]`, resolve, outer);
  return inner(schema, `${path}.`, resolve, outer);
}

/** The type of a schema in words. */
export function typeText(schema: JsonSchema, resolve: Resolve): string {
  const { $ref, type, items } = schema;
  if (typeof $ref === "string") return $ref.slice($ref.lastIndexOf("/") + 1);
  if ("const" in schema) return JSON.stringify(schema.const);
  if (Array.isArray(schema.enum)) return schema.enum.map((value) => JSON.stringify(value)).join(" or ");
  const alternatives = schema.anyOf ?? schema.oneOf;
  if (Array.isArray(alternatives)) {
    const texts = alternatives.map((one: JsonSchema) => typeText(one, resolve));
    return [...new Set(texts)].join(" or ");
  }
  if (Array.isArray(items)) return `[${items.map((item: JsonSchema) => typeText(item, resolve)).join(", ")}]`;
  if (type === "array")
    return items === undefined ? "array" : `array of ${typeText(items as JsonSchema, resolve)}`;
  if (Array.isArray(type)) return type.join(" or ");
  return typeof type === "string" ? type : "any";
}
