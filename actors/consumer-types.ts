import type { Contract, ServerFrames } from "../contract/index.ts";

/** The types that a consumer declares for the compiler. */
export interface ConsumerTypes {
  /** The messages that the consumer handles or sends to groups: `{ room_message: { message: string } }`. */
  readonly messages?: object;
  /** The path parameters that the consumer needs, as a union of names: `"room_name" | "seat"`. */
  readonly params?: string;
  /** The user that a guard finds. `route` refuses the consumer behind guards that find no such user. */
  readonly user?: unknown;
  /** The contract of the consumer's frames: see {@link contractConsumer}. */
  readonly contract?: Contract;
  /** The services that the consumer needs: `{ db: Database }`. `route` refuses the consumer if the runtime lacks one. */
  readonly services?: object;
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

/** The user that `T` declares; unknown if it declares none. */
export type UserOf<T extends ConsumerTypes> = T extends { readonly user: infer U } ? U : unknown;

/** The services that `T` declares. */
export type ServicesOf<T extends ConsumerTypes> = T extends { readonly services: infer S extends object }
  ? S
  : Record<never, never>;

/** The contract that `T` declares. */
export type ContractOf<T extends ConsumerTypes> = T extends { readonly contract: infer K extends Contract }
  ? K
  : never;

/** The frames that the contract of `T` lets the server send, by type. Without a contract, there are none. */
export type ServerFramesOf<T extends ConsumerTypes> = [ContractOf<T>] extends [never]
  ? Record<never, never>
  : ServerFrames<ContractOf<T>>;
