/** The types that a consumer declares for the compiler. */
export interface ConsumerTypes {
  /** The messages that the consumer handles or sends to groups: `{ room_message: { message: string } }`. */
  readonly messages?: object;
  /** The path parameters that the consumer needs, as a union of names: `"room_name" | "seat"`. */
  readonly params?: string;
}

// biome-ignore lint/complexity/noBannedTypes: `{}` declares nothing.
export type NoConsumerTypes = {};

/** The property that carries a consumer's {@link ConsumerTypes}. It does not exist at run time. */
export declare const consumerTypes: unique symbol;

export type ConsumerTypesOf<C> = C extends { readonly [consumerTypes]: infer T extends ConsumerTypes }
  ? T
  : never;

export type MessagesOf<T extends ConsumerTypes> = T["messages"] extends object
  ? T["messages"]
  : Record<never, never>;

export type ParamsOf<T extends ConsumerTypes> = T["params"] extends string ? T["params"] : never;
