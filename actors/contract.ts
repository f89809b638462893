/** What a consumer declares about itself, for the compiler alone. */
export interface Contract {
  /** The messages it takes from its layer and may send to groups: `{ room_message: { message: string } }`. */
  readonly messages?: object;
  /** The path parameters it needs, as a union of names: `"room_name" | "seat"`. */
  readonly params?: string;
}

/** Where a consumer class carries its {@link Contract}. A type only: nothing stands there at run time. */
export declare const contract: unique symbol;

export type ContractOf<C> = C extends { readonly [contract]: infer T extends Contract } ? T : never;

export type MessagesOf<T extends Contract> = T["messages"] extends object
  ? T["messages"]
  : Record<never, never>;

export type ParamsOf<T extends Contract> = T["params"] extends string ? T["params"] : never;
