import type { JsonSchema } from "./document.ts";

/** The key of the schema itself among its definitions, because `#` refers to it. */
const root = "";

/** The keywords whose values are schemas by name. */
const schemasByName = new Set(["properties", "patternProperties", "dependencies"]);
/** The keywords whose values are data. */
const data = new Set(["const", "enum", "default", "examples"]);

const prefix = "#/components/schemas/";

/** The schemas that other schemas of a document refer to: its `components.schemas`. */
export class SharedSchemas {
  readonly #schemas = new Map<string, JsonSchema>();
  /** The source of each schema. Equal definitions of several frames share a schema. */
  readonly #sources = new Map<string, string>();

  /** By name; undefined if there are none. */
  get all(): Readonly<Record<string, JsonSchema>> | undefined {
    return this.#schemas.size === 0 ? undefined : Object.fromEntries(this.#schemas);
  }

  /** The schema that `ref` refers to, if it is shared. */
  resolve(ref: unknown): JsonSchema | undefined {
    return typeof ref === "string" && ref.startsWith(prefix)
      ? this.#schemas.get(ref.slice(prefix.length))
      : undefined;
  }

  /**
   * Adds the definitions of a schema, and returns the schema with references to them.
   * @param name the name of the schema, if it refers to itself
   */
  add(schema: JsonSchema, name: string): JsonSchema {
    const { $schema: _dialect, definitions, $defs, ...own } = schema;
    const all = { ...(definitions as object), ...($defs as object) };
    const local = new Map<string, JsonSchema>([...Object.entries<JsonSchema>(all), [root, own]]);
    const names = new Map<string, string>();
    const isNew = new Set<string>();
    const isUsed = reachable(own, local);
    for (const key of isUsed) {
      const source = JSON.stringify([...reachable(local.get(key), local).add(key)].map((k) => local.get(k)));
      const isNamed = key !== root && !key.startsWith("__");
      const wanted = isNamed ? key.replace(/[^\w.-]/g, "_") : [name, key].filter(Boolean).join(".");
      const free = this.#nameFor(wanted, source);
      names.set(key, free);
      if (!this.#sources.has(free)) isNew.add(key);
      this.#sources.set(free, source);
    }
    const rename = (ref: string) => {
      const [key, rest] = targetOf(ref, local);
      return `${prefix}${names.get(key)}${rest}`;
    };
    for (const key of isNew)
      this.#schemas.set(names.get(key) as string, renamed(local.get(key), rename) as JsonSchema);
    return renamed(own, rename) as JsonSchema;
  }

  #nameFor(wanted: string, source: string): string {
    let name = wanted;
    for (let number = 2; (this.#sources.get(name) ?? source) !== source; number += 1)
      name = `${wanted}_${number}`;
    return name;
  }
}

/** The keys of the definitions that `schema` refers to, directly or not. */
function reachable(schema: unknown, local: ReadonlyMap<string, JsonSchema>): Set<string> {
  const found = new Set<string>();
  const visit = (inner: unknown): void => {
    renamed(inner, (ref) => {
      const [key] = targetOf(ref, local);
      if (!found.has(key)) {
        found.add(key);
        visit(local.get(key));
      }
      return ref;
    });
  };
  visit(schema);
  return found;
}

/** The definition that a reference points into, and the rest of the pointer. */
function targetOf(ref: string, local: ReadonlyMap<string, JsonSchema>): readonly [string, string] {
  const [, escaped = "", rest = ""] = /^#\/(?:definitions|\$defs)\/([^/]+)(.*)$/.exec(ref) ?? [];
  const key = decoded(escaped).replaceAll("~1", "/").replaceAll("~0", "~");
  return local.has(key) && key !== root ? [key, rest] : [root, ref.slice(1)];
}

/** Some libraries do not escape the names in their references, so a name may have a `%` of its own. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** A copy of a schema whose references are replaced. */
function renamed(value: unknown, rename: (ref: string) => string): unknown {
  if (Array.isArray(value)) return value.map((inner) => renamed(inner, rename));
  if (typeof value !== "object" || value === null) return value;
  return mapped(value, (inner, key) => {
    if (data.has(key)) return inner;
    if (key === "$ref" && typeof inner === "string") return inner.startsWith("#") ? rename(inner) : inner;
    if (!schemasByName.has(key) || typeof inner !== "object" || inner === null) return renamed(inner, rename);
    return mapped(inner, (property) => renamed(property, rename));
  });
}

const mapped = (object: object, change: (value: unknown, key: string) => unknown): JsonSchema =>
  Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value, key)]));
