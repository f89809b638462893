import type { AskingFrame, Contract, NamesIn } from "./contract.ts";
import type { InputOf, OutputOf, Schema } from "./standard-schema.ts";

type PayloadSchema<F> = F extends { readonly payload: infer S } ? S : F;
type ReplySchema<F> = F extends { readonly reply: infer S } ? S : never;
type ClientOf<K> = K extends Contract<string, unknown, infer C, unknown> ? C : never;
type ServerOf<K> = K extends Contract<string, unknown, unknown, infer S> ? S : never;

/** The path parameters of a contract as the server sees them, after their schema. */
export type ContractParams<K> =
  K extends Contract<infer P, infer Q, unknown, unknown>
    ? Q extends Schema
      ? OutputOf<Q>
      : { readonly [Name in NamesIn<P>]: string }
    : never;

/** The path parameters of a contract as a client passes them. */
export type ContractParamsInput<K> =
  K extends Contract<infer P, infer Q, unknown, unknown>
    ? Q extends Schema
      ? InputOf<Q>
      : { readonly [Name in NamesIn<P>]: string }
    : never;

/** The payloads of the client's frames as the server sees them, by type. */
export type ReceivedFrames<K> = {
  [T in keyof ClientOf<K> & string]: OutputOf<PayloadSchema<ClientOf<K>[T]>>;
};

/** The payloads of the client's frames as the client sends them, by type. */
export type SendableFrames<K> = {
  [T in keyof ClientOf<K> & string]: InputOf<PayloadSchema<ClientOf<K>[T]>>;
};

/** The replies to the frames that ask, by the type of the frame. */
export type Replies<K> = {
  [T in keyof ClientOf<K> & string as ClientOf<K>[T] extends AskingFrame ? T : never]: OutputOf<
    ReplySchema<ClientOf<K>[T]>
  >;
};

/** The payloads of the server's frames, by type. */
export type ServerFrames<K> = {
  [T in keyof ServerOf<K> & string]: OutputOf<ServerOf<K>[T]>;
};
