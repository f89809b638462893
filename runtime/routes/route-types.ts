import type {
  ConsumerTypesOf,
  ContractOf,
  MessagesOf,
  ParamsOf,
  ServerFramesOf,
  ServicesOf,
  UserOf,
} from "../../actors/consumer-types.ts";
import type { FrameHandlers } from "../../actors/contract/frames.ts";
import type { Handlers } from "../../actors/handlers.ts";
import type { ActorSnapshot } from "../../actors/index.ts";
import type { ContractParamsInput, NamesIn } from "../../contract/index.ts";
import type { ConsumerClass } from "../consumer-settings.ts";
import type { Guard } from "../guards/guards.ts";

/** Checks a path parameter. Returns undefined if the value is accepted, else the reason for the refusal. */
export type ParamCheck = (value: string) => string | undefined;

type TypesOf<C extends ConsumerClass> = ConsumerTypesOf<InstanceType<C>>;
type ParamsOfClass<C extends ConsumerClass> = ParamsOf<TypesOf<C>>;
type MessagesOfClass<C extends ConsumerClass> = MessagesOf<TypesOf<C>>;
/** The services that a class of consumers needs. */
export type ServicesOfClass<C extends ConsumerClass> = ServicesOf<TypesOf<C>>;
type ContractOfClass<C extends ConsumerClass> = ContractOf<TypesOf<C>>;

/** Refuses, at compile time, a consumer whose layer's alias is not one of `Layers`. */
export type OnKnownLayer<C extends ConsumerClass, Layers> = undefined extends C["layer"]
  ? unknown
  : C["layer"] extends keyof Layers
    ? unknown
    : { readonly layer: keyof Layers };

/**
 * Refuses, at compile time, a consumer that declares messages but has no handlers for these messages, or has a
 * contract but no handlers for its frames.
 */
export type WithHandlers<C extends ConsumerClass> = WithMessageHandlers<C> & WithFrameHandlers<C>;

type WithMessageHandlers<C extends ConsumerClass> = [keyof MessagesOfClass<C>] extends [never]
  ? unknown
  : { readonly on: Handlers<MessagesOfClass<C>, ServerFramesOf<TypesOf<C>>> };

type WithFrameHandlers<C extends ConsumerClass> = [ContractOfClass<C>] extends [never]
  ? unknown
  : C extends { readonly machine: unknown }
    ? unknown
    : { readonly frames: FrameHandlers<ContractOfClass<C>> };

/** Refuses, at compile time, a pattern without a parameter that the consumer needs. */
type OnCompletePattern<C extends ConsumerClass, Pattern extends string> =
  ParamsOfClass<C> extends NamesIn<Pattern>
    ? unknown
    : { readonly pattern_lacks: Exclude<ParamsOfClass<C>, NamesIn<Pattern>> };

/** Refuses, at compile time, a consumer whose path comes from its contract. */
type WithoutContract<C extends ConsumerClass> = [ContractOfClass<C>] extends [never]
  ? unknown
  : { readonly the_path_comes_from_the_contract: true };

/** Refuses, at compile time, a consumer without a contract, which needs a path. */
type WithContract<C extends ConsumerClass> = [ContractOfClass<C>] extends [never]
  ? { readonly a_consumer_without_a_contract_needs_a_path: true }
  : unknown;

/**
 * Refuses, at compile time, a consumer that needs another user than the guards find. `Runtime` is the user of the
 * guards of the runtime. The guards of the route, with the user `Route`, run later, so their user counts.
 */
export type WithUser<C extends ConsumerClass, OfRuntime, OfRoute> =
  unknown extends UserOf<TypesOf<C>>
    ? unknown
    : [Found<OfRuntime, OfRoute>] extends [never]
      ? undefined extends UserOf<TypesOf<C>>
        ? unknown
        : { readonly no_guard_finds_a_user: true }
      : [Found<OfRuntime, OfRoute>] extends [UserOf<TypesOf<C>>]
        ? unknown
        : { readonly a_guard_finds_another_user: Found<OfRuntime, OfRoute> };

// A guard may always find no user. The compiler also adds undefined to `ok ? { user } : { status: 401, reason }`.
type Found<OfRuntime, OfRoute> = Exclude<[OfRoute] extends [never] ? OfRuntime : OfRoute, undefined>;

/** Refuses, at compile time, a consumer that needs a service that the runtime lacks. */
export type WithServices<C extends ConsumerClass, OfRuntime> =
  OfRuntime extends ServicesOfClass<C>
    ? unknown
    : { readonly the_runtime_lacks_services: ServicesOfClass<C> };

/** Options of a route of a consumer with a contract. */
export interface ContractRouteOptions<U = never> {
  /** Called in order after the guards of the runtime. @default [] */
  readonly guards?: readonly Guard<U>[];
  /** Whether to replace the route that matches the same paths, if there is one. @default false */
  readonly replace?: boolean;
}

export interface RouteOptions<Pattern extends string, U = never> extends ContractRouteOptions<U> {
  /** Checks of path parameters. If a check returns a reason, the answer is 400 with that reason. */
  readonly params?: { readonly [Name in NamesIn<Pattern>]?: ParamCheck };
}

/** The first argument of {@link Runtime.route}: a pattern, or a consumer with a contract. */
export type RouteTarget<A, Layers, User, Services, G> = A &
  (A extends ConsumerClass ? Routable<A, Layers, User, Services, G> & WithContract<A> : unknown);

/** The other arguments of {@link Runtime.route}. One signature instead of two, so that the errors name the reason. */
export type RouteRest<A, C extends ConsumerClass, Layers, User, Services, G> = [A] extends [ConsumerClass]
  ? [options?: ContractRouteOptions<G>]
  : [
      consumer: C &
        Routable<C, Layers, User, Services, G> &
        OnCompletePattern<C, A & string> &
        WithoutContract<C>,
      options?: RouteOptions<A & string, G>,
    ];

type Routable<C extends ConsumerClass, Layers, User, Services, G> = OnKnownLayer<C, Layers> &
  WithHandlers<C> &
  WithServices<C, Services> &
  WithUser<C, User, G>;

/** The scope of an actor that is spawned without a request. */
export type SpawnScope<C extends ConsumerClass> = {
  readonly path?: string;
  readonly query?: URLSearchParams;
  /**
   * The state from which the actor of a machine consumer continues: the result of `actor.snapshot()`.
   * A delay whose end has passed ends immediately, before the first frame or message. `path`, `params`,
   * `query` and `user` are not a part of the snapshot.
   * @default the initial state of the machine
   */
  readonly snapshot?: ActorSnapshot | undefined;
} & SpawnUser<C> &
  SpawnParams<C>;

// For a consumer of the type `never`, which untyped code casts to, the user is `never`.
type SpawnUser<C extends ConsumerClass> = [UserOf<TypesOf<C>>] extends [never]
  ? { readonly user?: unknown }
  : undefined extends UserOf<TypesOf<C>>
    ? { readonly user?: UserOf<TypesOf<C>> }
    : { readonly user: UserOf<TypesOf<C>> };

type SpawnParams<C extends ConsumerClass> = [ContractOfClass<C>] extends [never]
  ? [ParamsOfClass<C>] extends [never]
    ? { readonly params?: Readonly<Record<string, string>> }
    : { readonly params: { readonly [Name in ParamsOfClass<C>]: string } }
  : Record<never, never> extends ContractParamsInput<ContractOfClass<C>>
    ? { readonly params?: ContractParamsInput<ContractOfClass<C>> }
    : { readonly params: ContractParamsInput<ContractOfClass<C>> };
