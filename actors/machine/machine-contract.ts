import type { AnyStateMachine, EmittedFrom, EventFrom } from "xstate";
import type { Contract, FrameId, ReceivedFrames, Replies, ServerFrames } from "../../contract/index.ts";
import type { AsJson } from "../json-type.ts";
import type { Effect } from "./machine-events.ts";

/**
 * The events of the client's frames of a contract, for the types of a machine. A frame of the type `say` with the
 * payload `{ text: "hi" }` is the event `{ type: "frame.say", frame: { type: "say", text: "hi" } }`. The payload is
 * what the schema gives. A payload that is not a plain object, such as a number, an array or a `Date`, is the
 * frame's `value`. The frame of a type that asks has an `id`, which is undefined if the client sent none.
 *
 * @example
 * ```ts
 * setup({
 *   types: {
 *     events: {} as ContractEvents<typeof auction> | ConnectionEvents,
 *     emitted: {} as ContractEffect<typeof auction>,
 *   },
 * });
 * ```
 */
export type ContractEvents<K> = {
  readonly [T in keyof ReceivedFrames<K>]: {
    readonly type: `frame.${T}`;
    readonly frame: { readonly type: T } & FieldsOf<ReceivedFrames<K>[T]> &
      (T extends keyof Replies<K> ? { readonly id: FrameId | undefined } : unknown);
  };
}[keyof ReceivedFrames<K>];

/**
 * The effects of a machine with a contract. It sends only frames of the contract, such as
 * `{ type: "sold", to: "Ada" }`, and bytes. Its replies are those of the contract; if the contract has none, the
 * machine may still reply to messages that ask.
 */
export type ContractEffect<K> = Effect<ContractFrame<K> | Uint8Array, ContractReply<K>>;

type ContractFrame<K> = {
  readonly [T in keyof ServerFrames<K>]: { readonly type: T } & FieldsOf<AsJson<ServerFrames<K>[T]>>;
}[keyof ServerFrames<K>];

type ContractReply<K> = [keyof Replies<K>] extends [never]
  ? unknown
  : { readonly [T in keyof Replies<K>]: AsJson<Replies<K>[T]> }[keyof Replies<K>];

/** The properties of a frame with the payload `P`. Any object with methods, such as a `Date`, is a `value`. */
type FieldsOf<P> = unknown extends P
  ? Readonly<Record<string, unknown>>
  : P extends object
    ? [Extract<P[keyof P], (...args: never) => unknown>] extends [never]
      ? Readonly<P>
      : { readonly value: P }
    : { readonly value: P };

/**
 * Refuses, at compile time, a machine that emits another event than an {@link Effect}, sends a frame or a reply that
 * JSON cannot hold, or deviates from the contract `K`. Accepts a machine that does not declare the types of its
 * events or effects.
 */
export type MachineFor<M extends AnyStateMachine, K> = EmitsEffects<M> &
  EmitsJson<M> &
  ([K] extends [Contract]
    ? TakesFrames<M, K> & HasNoOtherFrames<M, K> & Sends<M, K> & RepliesWith<M, K>
    : unknown);

type EmitsEffects<M extends AnyStateMachine> = string extends EmittedFrom<M>["type"]
  ? unknown
  : RefuseIfAny<
      Exclude<EmittedFrom<M>["type"], Effect["type"]>,
      "the_machine_emits_other_events_than_effects"
    >;

type EmitsJson<M extends AnyStateMachine> = RefuseIfAny<
  NotJson<Exclude<Emitted<M, "send", "frame">, Uint8Array>> | NotJson<Emitted<M, "reply", "value">>,
  "json_cannot_hold_these_frames_or_replies"
>;

/** The members of the union `T` that JSON cannot hold. */
type NotJson<T> = T extends AsJson<T> ? never : T;

type TakesFrames<M extends AnyStateMachine, K> = string extends EventFrom<M>["type"]
  ? unknown
  : RefuseIfAny<Untaken<ContractEvents<K>, EventFrom<M>>["type"], "the_machine_does_not_take_these_frames">;

/** The events of `E` that are not among `Taken`, or have other properties there. */
type Untaken<E extends { readonly type: string }, Taken> = E extends Taken ? never : E;

type HasNoOtherFrames<M extends AnyStateMachine, K> = string extends EventFrom<M>["type"]
  ? unknown
  : RefuseIfAny<
      Exclude<Extract<EventFrom<M>["type"], `frame.${string}`>, ContractEvents<K>["type"]>,
      "the_contract_lacks_these_frames"
    >;

type Sends<M extends AnyStateMachine, K> = RefuseIfAny<
  Exclude<Emitted<M, "send", "frame">, ContractFrame<K> | Uint8Array>,
  "the_contract_lacks_these_frames_of_the_server"
>;

type RepliesWith<M extends AnyStateMachine, K> = RefuseIfAny<
  Exclude<Emitted<M, "reply", "value">, ContractReply<K>>,
  "the_contract_lacks_these_replies"
>;

/** The type of the property `Key` of the effects `T` that the machine emits, if it declares its effects. */
type Emitted<
  M extends AnyStateMachine,
  T extends string,
  Key extends string,
> = string extends EmittedFrom<M>["type"]
  ? never
  : Extract<EmittedFrom<M>, { readonly type: T }> extends { readonly [K in Key]: infer V }
    ? V
    : never;

type RefuseIfAny<T, Reason extends string> = [T] extends [never] ? unknown : { readonly [R in Reason]: T };
