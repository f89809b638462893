/** What a consumer declares about itself, for the compiler alone. */
export interface ConsumerTypes {
  /** The messages it takes from its layer and may send to groups: `{ room_message: { message: string } }`. */
  readonly messages?: object;
  /** The path parameters it needs, as a union of names: `"room_name" | "seat"`. */
  readonly params?: string;
}

// biome-ignore lint/complexity/noBannedTypes: `{}` declares nothing.
export type NoConsumerTypes = {};

/** Where a consumer class carries its {@link ConsumerTypes}. A type only: nothing stands there at run time. */
export declare const consumerTypes: unique symbol;

export type ConsumerTypesOf<C> = C extends { readonly [consumerTypes]: infer T extends ConsumerTypes }
  ? T
  : never;

export type MessagesOf<T extends ConsumerTypes> = T["messages"] extends object
  ? T["messages"]
  : Record<never, never>;

export type ParamsOf<T extends ConsumerTypes> = T["params"] extends string ? T["params"] : never;
