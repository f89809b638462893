import { validate } from "../actors/contract/validate.ts";
import { shapeErrorOf } from "../actors/message-shape-error.ts";
import type { Schema } from "../contract/index.ts";
import { textOf } from "../layers/errors.ts";
import type { Message } from "../layers/message.ts";

/** Checks the messages of a kind with its schemas. */
export class MessageChecks {
  readonly #schemas: ReadonlyMap<string, Schema> | undefined;

  constructor(schemas: ReadonlyMap<string, Schema> | undefined) {
    this.#schemas = schemas;
  }

  /** Returns the reason why a message does not fit, or undefined if it fits. */
  refusalOf(message: Message): string | undefined {
    if (this.#schemas === undefined) return undefined;
    const schema = this.#schemas.get(message.type);
    if (schema === undefined)
      return `"${message.type}" is not a message of this kind: ${[...this.#schemas.keys()].join(", ")}.`;
    const { type: _type, ...payload } = message;
    try {
      return shapeErrorOf(message.type, () => validate(schema, payload))?.message;
    } catch (error) {
      return textOf(error);
    }
  }
}
