import { typePattern } from "./protocol.ts";
import { type InputOf, isSchema, type OutputOf, type Schema } from "./standard-schema.ts";

/** A frame that a client may send: the schema of its payload, for a frame that asks with that of the reply. */
export type ClientFrame = Schema | AskingFrame;

/** A frame that asks: it has an `id`, and gets a reply or an error with the same `id`. */
export interface AskingFrame {
  readonly payload: Schema;
  readonly reply: Schema;
}

/** The frames that a client and a server may send each other on a path. {@link contract} creates one. */
export interface Contract<P extends string = string, Q = unknown, C = unknown, S = unknown> {
  /** The pattern of the path, such as `/ws/room/:room`. */
  readonly path: P;
  /** The schema of the path parameters. */
  readonly params: Q;
  /** The frames from the client, by type. */
  readonly client: C;
  /** The frames from the server, by type. */
  readonly server: S;
}

/** The names of the parameters in a path. For `"/ws/room/:room"`, this is `"room"`. */
export type NamesIn<P extends string> = P extends `${string}:${infer Name}/${infer Rest}`
  ? Name | NamesIn<`/${Rest}`>
  : P extends `${string}:${infer Name}`
    ? Name
    : never;

/** Whether `T` may have a key. Some libraries give an empty object the type `Record<string, never>`. */
type HasKey<T, K extends keyof never> = T extends object
  ? K extends keyof T
    ? [T[K]] extends [never]
      ? false
      : true
    : false
  : false;

/** Refuses a schema of payloads that have a key of the envelope. */
type WithoutKey<S, K extends string> =
  true extends HasKey<InputOf<S>, K> ? { readonly payload_has_a_reserved_key: K } : S;

/** Refuses a schema that transforms: the payload arrives as it was sent. */
type Untransformed<S> = [InputOf<S>] extends [OutputOf<S>]
  ? [OutputOf<S>] extends [InputOf<S>]
    ? S
    : Transforms
  : Transforms;

interface Transforms {
  readonly a_schema_for_what_the_server_sends_must_not_transform: true;
}

/** Refuses the types of frames that belong to the protocol. */
type OwnTypes<T> = {
  [K in keyof T]: K extends `greenroom.${string}`
    ? { readonly types_that_begin_with_greenroom_belong_to_the_protocol: true }
    : unknown;
};

type CheckedClientFrames<C> = {
  [K in keyof C]: C[K] extends { readonly payload: infer P; readonly reply: infer R }
    ? { readonly payload: WithoutKey<P, "type" | "id">; readonly reply: Untransformed<R> }
    : WithoutKey<C[K], "type">;
};

type CheckedServerFrames<S> = { [K in keyof S]: Untransformed<S[K]> & WithoutKey<S[K], "type" | "@"> };

type CheckedParams<Q, P extends string> = Q extends Schema
  ? keyof InputOf<Q> extends NamesIn<P>
    ? Q
    : { readonly names_of_params_must_be_in_the_path: Exclude<keyof InputOf<Q>, NamesIn<P>> }
  : Q;

/** What {@link contract} takes. */
export interface ContractOptions<P extends string, Q, C, S> {
  /** The pattern of the path, such as `/ws/room/:room`: see `runtime.route`. */
  readonly path: P;
  /**
   * The schema of the path parameters. It takes texts, which have been decoded, and must not be asynchronous.
   * The server refuses other parameters with 400.
   * @default any text for each parameter of the path
   */
  readonly params?: Q & CheckedParams<Q, P>;
  /**
   * The frames from the client, by type. A frame of the type `say` with the payload `{ text: "hi" }` is the JSON
   * text `{"type":"say","text":"hi"}`. A payload that is not an object is carried as `value`.
   */
  readonly client: C & CheckedClientFrames<C> & OwnTypes<C>;
  /** The frames from the server, by type. Their schemas must not transform: a payload arrives as it was sent. */
  readonly server: S & CheckedServerFrames<S> & OwnTypes<S>;
}

/**
 * Creates a contract, which the server and the client import. The schemas can be of any library that speaks
 * Standard Schema, such as zod, valibot and arktype.
 *
 * The type of a frame has 1 to 99 letters, digits, `-`, `_` and `.`. Types that begin with `greenroom.` belong to
 * the protocol. A payload has no key `type`, that of a frame that asks has no key `id`, and that of a frame from the
 * server has no key `@`. So a record of any keys has to be a part of the payload:
 * `{ votes: z.record(z.string(), z.number()) }`.
 *
 * @throws {TypeError} if a type is not allowed, or if a schema does not speak Standard Schema.
 *
 * @example
 * ```ts
 * export const roomChat = contract({
 *   path: "/ws/room/:room",
 *   client: {
 *     say: z.object({ text: z.string().max(2_000) }),
 *     rename: { payload: z.object({ name: z.string() }), reply: z.object({ members: z.number() }) },
 *   },
 *   server: { said: z.object({ from: z.string(), text: z.string() }) },
 * });
 * ```
 */
export function contract<
  const P extends string,
  C extends Readonly<Record<string, ClientFrame>>,
  S extends Readonly<Record<string, Schema>>,
  Q extends Schema | undefined = undefined,
>(options: ContractOptions<P, Q, C, S>): Contract<P, Q, C, S> {
  const { path, params, client, server } = options as ContractOptions<P, Q, C, S> & { params?: Q };
  for (const [type, frame] of Object.entries(client)) {
    checkType(type);
    const { payload, reply } = Object(frame) as Partial<AskingFrame>;
    for (const schema of isSchema(frame) ? [frame] : [payload, reply]) checkSchema(schema, `"${type}"`);
  }
  for (const [type, schema] of Object.entries(server)) {
    checkType(type);
    checkSchema(schema, `"${type}"`);
  }
  if (params !== undefined) checkSchema(params, "the parameters");
  return { path, params: params as Q, client, server };
}

function checkType(type: string): void {
  if (!typePattern.test(type) || type.startsWith("greenroom."))
    throw new TypeError(
      `"${type}" cannot be the type of a frame: use 1 to 99 letters, digits, "-", "_" and ".", and do not begin with "greenroom.".`,
    );
}

function checkSchema(schema: unknown, owner: string): void {
  if (!isSchema(schema))
    throw new TypeError(
      `A schema of ${owner} does not speak Standard Schema: use zod ≥ 3.24, valibot ≥ 1 or arktype ≥ 2.`,
    );
}
