import type { AnyStateMachine, InputFrom } from "xstate";
import type { Contract, ContractParams } from "../../contract/index.ts";
import type { Consumer, ConsumerStatics } from "../consumer.ts";
import type { AcceptOptions, ConsumerContext, RejectOptions, Scope } from "../consumer-context.ts";
import type { Supervision } from "../consumer-options.ts";
import type { MessageSchemas } from "../message-schemas.ts";
import type { MachineMessages } from "./machine-events.ts";

/** Options of {@link machineConsumer}: static properties of a {@link Consumer}, and machine options. */
export interface MachineConsumerOptions<
  M extends AnyStateMachine,
  L extends string | undefined,
  P extends string,
  K extends Contract | undefined = undefined,
  S extends object = Record<never, never>,
> extends Partial<Omit<ConsumerStatics, "layer" | "on" | "messages">> {
  /** The name of the class, in errors and diagrams. @default the machine's id */
  readonly name?: string;
  /** The alias of the layer for the consumer's groups. */
  readonly layer?: L;
  /** Decides what happens when the machine fails. `restart` starts a new machine. @default "stop" */
  readonly supervision?: Supervision;
  /**
   * The contract of the path. `route` takes the path and its parameters from it. The machine receives only frames
   * that fit the contract: see {@link ContractEvents}.
   */
  readonly contract?: K;
  /** Schemas of messages by type. A message that does not fit causes no event: see {@link messages}. */
  readonly messages?: MessageSchemas<MachineMessages<M>>;
  /** The path parameters that `input` needs. `route` refuses a pattern without them. A contract has its own. */
  readonly params?: readonly P[];
  /** Returns the input of the machine. Required if the types of the machine require an input. */
  readonly input?: (scope: MachineScope<P, K>) => InputFrom<M>;
  /**
   * Returns the implementations of actors, actions, guards and delays that need services of the runtime, as
   * `machine.provide` of XState takes them. Called once for each runtime.
   *
   * @example
   * machineConsumer(note, {
   *   provide: ({ db }: { db: Database }) => ({
   *     actors: { load: fromPromise<string, string>(({ input }) => db.load(input)) },
   *   }),
   * });
   */
  readonly provide?: (services: S) => Parameters<M["provide"]>[0];
  /**
   * Decides about the upgrade before the machine starts. Returns options of {@link Consumer.accept}, such as
   * a subprotocol, or the status and reason of a refusal. May return a promise. An error refuses the upgrade
   * with 500.
   *
   * @default accepts each upgrade, without a subprotocol
   *
   * @example
   * machineConsumer(createMachine({}), {
   *   accept: ({ subprotocols }) =>
   *     subprotocols.includes("v2.chat") ? { subprotocol: "v2.chat" } : { status: 400, reason: "Speak v2.chat" },
   * });
   */
  readonly accept?: (scope: MachineScope<P, K>) => Acceptance | Promise<Acceptance>;
  /**
   * Whether to answer a text frame that the machine does not accept with a `greenroom.error`. The frame is counted
   * and reported in any case. With a contract, `false` leaves out only `greenroom.unexpected`: a frame that does not
   * fit the contract is always answered.
   * @default true
   */
  readonly answerUnexpected?: boolean;
}

/** The options of any machine consumer. */
export type AnyMachineConsumerOptions = MachineConsumerOptions<
  AnyStateMachine,
  string | undefined,
  string,
  Contract | undefined,
  never
>;

/** The decision about an upgrade: accepted, or refused with an HTTP status, as by {@link Consumer.reject}. */
export type Acceptance =
  | AcceptOptions
  | ({ readonly status: number; readonly reason: string } & RejectOptions);

/** The request of a machine consumer with the path parameters `P`, or with those of the contract `K`. */
export type MachineScope<P extends string, K> = [K] extends [Contract]
  ? Scope<string, unknown, ContractParams<K>>
  : Scope<P>;

/** Requires the option `input` if the types of the machine require an input, as with `createActor`. */
export type RequiredInput<M extends AnyStateMachine> =
  undefined extends InputFrom<M> ? unknown : { readonly input: unknown };

/** Refuses, at compile time, a machine that needs the option `input`. */
export type WithoutInput<M extends AnyStateMachine> =
  undefined extends InputFrom<M> ? unknown : { readonly the_option_input_is_missing: InputFrom<M> };

/** A consumer class that runs one machine per connection. */
export interface MachineConsumerClass<
  L extends string | undefined,
  P extends string,
  K extends Contract | undefined = undefined,
  S extends object = Record<never, never>,
> extends Omit<ConsumerStatics, "layer"> {
  new (context: ConsumerContext): Consumer<MachineConsumerTypes<P, K, S>>;
  readonly name: string;
  readonly machine: AnyStateMachine;
  readonly layer: L;
  readonly contract: K;
}

/** The types that a machine consumer declares. */
export type MachineConsumerTypes<P extends string, K, S> = [K] extends [Contract]
  ? { readonly contract: K; readonly services: S }
  : { readonly params: P; readonly services: S };
