import type { StandardJSONSchemaV1 } from "@standard-schema/spec";
import type { Schema } from "../contract/index.ts";
import { textOf } from "../layers/errors.ts";
import { AsyncApiError } from "./async-api-error.ts";
import type { JsonSchema } from "./document.ts";

/**
 * The JSON Schema of the values that `schema` takes. A frame is sent as the schema takes it, in both directions.
 * @param what names the schema in the error, such as `the frame "say" of /ws/room/:room`
 * @throws {AsyncApiError} if the library of the schema cannot write it as JSON Schema.
 */
export function jsonSchemaOf(schema: Schema, what: string): JsonSchema {
  const { vendor, jsonSchema } = schema["~standard"] as Schema["~standard"] &
    Partial<StandardJSONSchemaV1.Props>;
  if (jsonSchema === undefined) {
    const remedy =
      vendor === "valibot"
        ? "wrap it with toStandardJsonSchema from @valibot/to-json-schema"
        : "use zod ≥ 4.2, arktype ≥ 2.2, or valibot with toStandardJsonSchema from @valibot/to-json-schema";
    throw new AsyncApiError(
      `The schema of ${what} does not speak Standard JSON Schema, so it cannot be described: ${remedy}.`,
    );
  }
  try {
    const written: unknown = jsonSchema.input({ target: "draft-07" });
    if (typeof written === "object" && written !== null) return written as JsonSchema;
    throw new TypeError(`its library returns ${textOf(written)} instead of an object`);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new AsyncApiError(
      `The schema of ${what} cannot be written as JSON Schema: ${reason}. Use a schema of values that JSON has.`,
      { cause },
    );
  }
}
