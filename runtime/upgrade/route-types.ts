import type { ConsumerTypesOf, MessagesOf, ParamsOf } from "../../actors/consumer-types.ts";
import type { Handlers } from "../../actors/handlers.ts";
import type { ConsumerClass } from "../consumer-settings.ts";
import type { Guard } from "./guards.ts";
import type { ParamCheck } from "./router.ts";

/** The names of the parameters in a pattern: `"/ws/room/:room_name"` has `"room_name"`. */
export type NamesIn<Pattern extends string> = Pattern extends `${string}:${infer Name}/${infer Rest}`
  ? Name | NamesIn<`/${Rest}`>
  : Pattern extends `${string}:${infer Name}`
    ? Name
    : never;

export type ParamsOfClass<C extends ConsumerClass> = ParamsOf<ConsumerTypesOf<InstanceType<C>>>;

/** Refuses, at compile time, a consumer whose layer's alias is not one of `Layers`. */
export type OnKnownLayer<C extends ConsumerClass, Layers> = undefined extends C["layer"]
  ? unknown
  : C["layer"] extends keyof Layers
    ? unknown
    : { readonly layer: keyof Layers };

/** Refuses, at compile time, a consumer that declares messages and has no table for them. */
export type WithHandlers<C extends ConsumerClass> = [
  keyof MessagesOf<ConsumerTypesOf<InstanceType<C>>>,
] extends [never]
  ? unknown
  : { readonly on: Handlers<MessagesOf<ConsumerTypesOf<InstanceType<C>>>> };

/** Refuses, at compile time, a pattern that lacks a parameter which the consumer needs. */
export type OnCompletePattern<C extends ConsumerClass, Pattern extends string> =
  ParamsOfClass<C> extends NamesIn<Pattern>
    ? unknown
    : { readonly pattern_lacks: Exclude<ParamsOfClass<C>, NamesIn<Pattern>> };

export interface RouteOptions<Pattern extends string> {
  /** Checks on path parameters, made before an actor is: what a check returns is the reason of a 400. */
  readonly params?: { readonly [Name in NamesIn<Pattern>]?: ParamCheck };
  /** Who may connect here, asked in order after the guards of the runtime. @default [] */
  readonly guards?: readonly Guard[];
}

/** What `spawn` needs to know of a connection that no request describes. */
export type SpawnScope<C extends ConsumerClass> = {
  readonly path?: string;
  readonly query?: URLSearchParams;
  readonly user?: unknown;
  /** What a machine goes on from: what `getPersistedSnapshot()` of {@link ActorRef.machineActor} gave. @default a new one */
  readonly snapshot?: unknown;
} & ([ParamsOfClass<C>] extends [never]
  ? { readonly params?: Readonly<Record<string, string>> }
  : { readonly params: { readonly [Name in ParamsOfClass<C>]: string } });
