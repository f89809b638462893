import type { StandardSchemaV1 } from "@standard-schema/spec";

/** A schema of any library that speaks Standard Schema (https://standardschema.dev): zod, valibot, arktype, … */
export type Schema = StandardSchemaV1;

// Untyped code may pass any value. The schemas of arktype are functions.
export const isSchema = (value: unknown): value is Schema =>
  typeof Object(value)["~standard"]?.validate === "function";

/** The type of the values that a schema takes. */
export type InputOf<S> = S extends StandardSchemaV1<infer T, unknown> ? T : never;

/** The type of the values that a schema gives. */
export type OutputOf<S> = S extends StandardSchemaV1<unknown, infer T> ? T : never;
