/** The types that a consumer declares for the compiler. */
export interface ConsumerTypes {
  /** The messages that the consumer handles or sends to groups: `{ room_message: { message: string } }`. */
  readonly messages?: object;
  /** The path parameters that the consumer needs, as a union of names: `"room_name" | "seat"`. */
  readonly params?: string;
}

/** The types of a consumer that declares none. */
// biome-ignore lint/complexity/noBannedTypes: `{}` declares nothing.
export type NoConsumerTypes = {};

/** The types that consumer `C` declares. */
export type ConsumerTypesOf<C> = C extends { readonly "~types": infer T extends ConsumerTypes } ? T : never;

/** The message types that `T` declares, with their payloads. */
export type MessagesOf<T extends ConsumerTypes> = T["messages"] extends object
  ? T["messages"]
  : Record<never, never>;

/** The names of the path parameters that `T` declares. */
export type ParamsOf<T extends ConsumerTypes> = T["params"] extends string ? T["params"] : never;
