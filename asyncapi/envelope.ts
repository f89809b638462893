import type { JsonSchema } from "./document.ts";

/** The properties that a frame has besides those of its payload. */
export interface Envelope {
  readonly properties: Readonly<Record<string, JsonSchema>>;
  readonly required: readonly string[];
}

const alternatives = ["anyOf", "oneOf", "allOf"] as const;

type Resolve = (ref: unknown) => JsonSchema | undefined;

/**
 * The schema of a frame: the properties of the payload, together with those of the envelope. A payload that is not
 * an object becomes the property `value`.
 * @param resolve returns the schema that a reference points to
 */
export function frameSchema(payload: JsonSchema, envelope: Envelope, resolve: Resolve): JsonSchema {
  return withEnvelope(payload, { envelope, resolve, isObject: false, outer: [] });
}

interface Place {
  readonly envelope: Envelope;
  readonly resolve: Resolve;
  /** Whether the payload is a part of a schema of objects. */
  readonly isObject: boolean;
  /** The references to the payload. A schema that is an alternative of itself stays a reference. */
  readonly outer: readonly unknown[];
}

function withEnvelope(payload: unknown, place: Place): JsonSchema {
  const { envelope, resolve, isObject, outer } = place;
  // The schema `true` allows any payload.
  const schema = (typeof payload === "object" && payload !== null ? payload : {}) as JsonSchema;
  const target = resolve(schema.$ref);
  if (target !== undefined) {
    const { $ref, ...beside } = schema;
    if (outer.includes($ref)) return schema;
    return withEnvelope({ ...target, ...beside }, { ...place, outer: [...outer, $ref] });
  }
  const { type } = schema;
  if (Array.isArray(type) && type.includes("object")) {
    const others = type.filter((one) => one !== "object");
    const kinds = ["object", others.length === 1 ? others[0] : others];
    return {
      anyOf: kinds.map((kind) => withEnvelope({ ...schema, type: kind }, place)),
    };
  }
  const isOpen = type === undefined && !("enum" in schema) && !("const" in schema);
  if (type !== "object" && !isOpen) return bare(schema, envelope);
  const lists = alternatives.filter((key) => Array.isArray(schema[key]));
  const inside = isObject || type === "object" || "properties" in schema || "required" in schema;
  const { properties, required, description, propertyNames, ...rest } = schema;
  const composed = Object.fromEntries(
    lists.map((key) => [
      key,
      (schema[key] as readonly unknown[]).map((part) => withEnvelope(part, { ...place, isObject: inside })),
    ]),
  );
  if (lists.length > 0 && !inside) return { ...described(description), ...rest, ...composed };
  return {
    type: "object",
    ...described(description),
    properties: { ...envelope.properties, ...(properties as object) },
    required: [...envelope.required, ...((required as readonly string[] | undefined) ?? [])],
    // The rule is about the names of the payload only.
    ...(propertyNames !== undefined && {
      propertyNames: { anyOf: [{ enum: Object.keys(envelope.properties) }, propertyNames] },
    }),
    ...rest,
    ...composed,
  };
}

function bare(schema: JsonSchema, { properties, required }: Envelope): JsonSchema {
  return {
    type: "object",
    properties: { ...properties, value: schema },
    required: [...required, "value"],
  };
}

const described = (description: unknown): JsonSchema => (description === undefined ? {} : { description });
