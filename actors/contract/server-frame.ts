import { encodeJson } from "../json-text.ts";
import { checkJson } from "../json-values.ts";

/**
 * The properties of a frame: those of a payload that is an object, without its `type`; otherwise its `value`. JSON
 * holds a date as a text. The property `@` is left out, too: with it, a payload that a client has written could set
 * the positions of other clients in the histories of groups.
 */
export function fieldsOf(payload: unknown): Readonly<Record<string, unknown>> {
  if (typeof payload !== "object" || payload === null || Array.isArray(payload) || payload instanceof Date)
    return { value: payload };
  if (!Object.hasOwn(payload, "type") && !Object.hasOwn(payload, "@"))
    return payload as Readonly<Record<string, unknown>>;
  const { type: _type, "@": _position, ...fields } = payload as Readonly<Record<string, unknown>>;
  return fields;
}

/** The text of the frame of `type` with `payload`. @throws {TypeError} as {@link JsonWebSocketConsumer.sendJson} does. */
export function frameText(type: string, payload: unknown): string {
  return encodeJson({ type, ...fieldsOf(checkJson(payload)) });
}
