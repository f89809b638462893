import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Schema } from "../contract/index.ts";
import type { Message } from "../layers/message.ts";
import type { ConsumerContext } from "./consumer-context.ts";
import type { ConsumerTypesOf, MessagesOf } from "./consumer-types.ts";
import { validate } from "./contract/validate.ts";
import { type DeepReadonly, findEntry } from "./handlers.ts";
import { type MessageShapeError, shapeErrorOf } from "./message-shape-error.ts";

/**
 * Schemas for the message types that `M` declares. A schema takes the properties of a message without its `type`. All
 * values that it takes must be possible for the handler.
 */
export type MessageSchemas<M> = {
  readonly [K in keyof M]?: StandardSchemaV1<DeepReadonly<M[K]>, unknown>;
};

/**
 * Declares schemas for the messages of consumer `C`. Any process can send a message to a group, so its shape may be
 * wrong. A message that does not fit its schema is dropped before a handler runs, and counted as `invalid`. The
 * connections of the members stay open. An ask is rejected with {@link AskFailedError}.
 *
 * Types without a schema are not checked. The handler gets the message as it was sent, not what the schema gives. Each
 * message is checked once for all members on a node. A schema must be synchronous: with an asynchronous schema, all
 * messages of the type are dropped.
 *
 * @example
 * ```ts
 * static override readonly messages = messages<Room>({ room_message: z.object({ message: z.string() }) });
 * ```
 */
export function messages<C>(
  table: MessageSchemas<MessagesOf<ConsumerTypesOf<C>>>,
): MessageSchemas<MessagesOf<ConsumerTypesOf<C>>> {
  return table;
}

/** Checks the messages of one type. */
class MessageCheck {
  readonly #type: string;
  readonly #schema: Schema;
  /** For each message, the reason to drop it, or null if it fits. All members on a node share a message. */
  readonly #outcomes = new WeakMap<Message, MessageShapeError | null>();

  constructor(type: string, schema: Schema) {
    this.#type = type;
    this.#schema = schema;
  }

  /** @throws {MessageShapeError} */
  check(message: Message, context: ConsumerContext): void {
    const known = this.#outcomes.get(message);
    if (known === null) return;
    const error = known ?? this.#errorOf(message, context);
    if (error !== undefined) throw error;
  }

  #errorOf(message: Message, context: ConsumerContext): MessageShapeError | undefined {
    const { type: _type, ...payload } = message;
    const error = context.runSchema(() => shapeErrorOf(this.#type, () => validate(this.#schema, payload)));
    this.#outcomes.set(message, error ?? null);
    return error;
  }
}

const checkOf = (type: string, schema: unknown) => new MessageCheck(type, schema as Schema);

/** @throws {MessageShapeError} if `message` does not fit its schema in `table`. */
export function checkMessage(table: object, message: Message, context: ConsumerContext): void {
  findEntry(table, message.type, checkOf)?.check(message, context);
}
