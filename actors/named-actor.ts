import type { AnyMessages, Message } from "../layers/message.ts";
import type { AskOptions } from "./ask-options.ts";
import type { Json } from "./snapshot/json-copy.ts";

/** How a message arrived at a named actor. */
export interface NamedDelivery {
  /**
   * Names the ask, for an answer in a later step: see {@link NamedReplyEffect.to}. Undefined for a message that does
   * not ask.
   */
  readonly ask?: string;
}

/**
 * The messages that the machine of a named actor accepts, by type: `{ bid: { by: string; amount: number } }`. The
 * machine receives `{ type: "message.bid", message, delivery }`. Messages are frozen.
 */
export type NamedMessageEvents<Messages> = {
  [K in keyof Messages & string]: {
    readonly type: `message.${K}`;
    readonly message: { readonly type: K } & Readonly<Messages[K]>;
    readonly delivery: NamedDelivery;
  };
}[keyof Messages & string];

/** Answers an ask with a value that a message can hold. Of several answers to one ask, the first counts. */
export interface NamedReplyEffect<R = unknown> {
  readonly type: "reply";
  readonly value: R;
  /** The ask of an earlier step, from its `delivery.ask`. @default the ask that causes this step */
  readonly to?: string | undefined;
}

/** Refuses an ask with a code of the application. The caller gets a `RefusedError`. */
export interface NamedRefuseEffect {
  readonly type: "refuse";
  /** Must not begin with `greenroom.`. */
  readonly code: string;
  readonly message: string;
  /** The caller gets it as the `data` of the error: a value that a message can hold. */
  readonly data?: unknown;
  /** The ask of an earlier step, from its `delivery.ask`. @default the ask that causes this step */
  readonly to?: string | undefined;
}

/**
 * The effects that the machine of a named actor, and its actors, can `emit`. They are stored together with the
 * snapshot of the step that emits them, and carried out afterwards, also if the process dies in between.
 */
export type NamedEffect<R = unknown> =
  | NamedReplyEffect<R>
  | NamedRefuseEffect
  /** Sends to a group, at least once. `layer` is an alias, by default the layer of the kind. */
  | { readonly type: "groupSend"; readonly group: string; readonly message: Message; readonly layer?: string }
  /** Sends to another named actor, exactly once. */
  | { readonly type: "tell"; readonly kind: string; readonly key: string; readonly message: Message }
  /** Submits a job to the workers of a channel, once if `layer` is the layer of the kind, which is the default. */
  | { readonly type: "submit"; readonly channel: string; readonly message: Message; readonly layer?: string };

/**
 * Sends to a named actor, for the machine of a connection. The machine gets its next event once the message is
 * stored. If the message cannot be stored, the actor of the connection fails.
 */
export interface TellEffect {
  readonly type: "tell";
  readonly kind: string;
  readonly key: string;
  readonly message: Message;
}

/** The messages of a named actor that `M` declares. Any message if `M` names no types. */
type MessageIn<M> = string extends keyof M
  ? Message & Readonly<Record<string, unknown>>
  : { [K in keyof M & string]: { readonly type: K } & Readonly<M[K]> }[keyof M & string];

/**
 * One named actor: one XState machine under a kind and a key. At most one is running in the whole cluster. It wakes
 * when a message arrives or a delay ends, on the node that owns its key, and sleeps afterwards.
 *
 * @typeParam M the messages of the actor, as `{ type: payload }`
 * @typeParam V the view of the actor
 */
export interface NamedActor<M = AnyMessages, V = unknown> {
  readonly kind: string;
  readonly key: string;
  /**
   * Stores a message in the mailbox of the actor. Resolves once it is stored. The actor handles it once. The messages
   * of this node to one actor are handled in the order of the calls.
   *
   * @throws {NotStoredError} if the message was not stored, for example because the store is unreachable.
   * @throws {QueueFullError} if the mailbox is full.
   * @throws {InvalidMessageError} if the message is invalid, or does not fit its schema.
   */
  send(message: MessageIn<M>): Promise<void>;
  /**
   * Sends a message, and resolves with the answer of the actor.
   *
   * @throws {RefusedError} if the machine refuses the message, has no transition for it, or has ended.
   * @throws {StepFailedError} if the step fails, or the actor is parked.
   * @throws {OutcomeUnknownError} if there is no answer within `timeoutMs`. The message is stored, and may still be
   *   handled.
   * @throws as {@link send} does.
   */
  ask<R = unknown>(message: MessageIn<M>, options?: AskOptions): Promise<R>;
  /** The view of the actor as it was stored last. Undefined if the actor does not exist. Does not wake the actor. */
  view(): Promise<V | undefined>;
  /**
   * The view now, and then each new view. If views change faster than the loop takes them, older views are left out.
   * Ends when `signal` is aborted, or the runtime closes. Does not wake or create the actor.
   *
   * @example
   * for await (const view of lots.get("17").watch({ signal })) render(view);
   */
  watch(options?: { readonly signal?: AbortSignal }): AsyncIterable<V | undefined>;
}

/** A saved named actor, as plain data: see {@link NamedActors.export}. */
export interface ExportedActor {
  /** The version of this format. */
  readonly format: 1;
  readonly kind: string;
  readonly key: string;
  /** The version of the machine. */
  readonly version: number;
  readonly machine: Json;
}

/** A message, a delay or an effect that was set aside after its last try. */
export interface NamedDeadLetter {
  /** The key of the actor that failed. Undefined for an effect that could not be delivered. */
  readonly key: string | undefined;
  /** The text of the error. */
  readonly reason: string;
  /** Milliseconds since 1970, on the clock of the store. */
  readonly at: number;
  /** The message that the actor did not handle. Left out if it is too large to be kept. */
  readonly message?: Message;
  /** The type of the event of a delay that failed. */
  readonly delay?: string;
  /** The effect that could not be delivered. Left out if it is too large to be kept. */
  readonly effect?: NamedEffect;
}

/** The named actors of one kind. */
export interface NamedActors<M = AnyMessages, V = unknown> {
  readonly kind: string;
  /** Returns the actor of a key. Does not wake or create it. @throws {InvalidNameError} for an invalid key. */
  get(key: string): NamedActor<M, V>;
  /**
   * The keys of the actors that exist, in the order of the store. `after` continues behind a key of an earlier list.
   * @param options.limit at most 1,000. @default 100
   */
  list(options?: { readonly after?: string; readonly limit?: number }): Promise<readonly string[]>;
  /**
   * Deletes an actor with its mailbox and its delays, and fails its waiting asks. The next message creates it anew.
   * Returns whether there was something to delete.
   */
  delete(key: string): Promise<boolean>;
  /** Lets a parked actor try again. Returns whether it was parked. */
  resume(key: string): Promise<boolean>;
  /**
   * The dead letters, the newest first. A partition keeps its newest 1,000. Reading does not remove them.
   *
   * @param options.key only those of this actor
   * @param options.limit at most 1,000. @default 100
   */
  deadLetters(options?: {
    readonly key?: string;
    readonly limit?: number;
  }): Promise<readonly NamedDeadLetter[]>;
  /** The stored actor as plain data. Undefined if the actor does not exist. Does not wake the actor. */
  export(key: string): Promise<ExportedActor | undefined>;
  /**
   * Replaces an actor by an exported one, without its mailbox.
   * @throws {SnapshotError} if the data does not fit the machine. In a process without the machine, the owner checks
   *   the data when it loads the actor.
   */
  import(key: string, exported: ExportedActor): Promise<void>;
}
