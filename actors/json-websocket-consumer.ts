import { CloseCode } from "./close-codes.ts";
import { Consumer, receiveFrame } from "./consumer.ts";
import type { Frame } from "./consumer-context.ts";
import type { ConsumerTypes, NoConsumerTypes } from "./consumer-types.ts";

/**
 * A consumer whose text frames are JSON, both ways.
 *
 * @example
 * ```ts
 * class Sum extends JsonWebSocketConsumer {
 *   override receive(value: unknown) {
 *     if (!Array.isArray(value)) return this.sendJson({ error: "Send a list of numbers" });
 *     this.sendJson({ sum: value.reduce((sum, item) => sum + Number(item), 0) });
 *   }
 * }
 * ```
 */
export abstract class JsonWebSocketConsumer<T extends ConsumerTypes = NoConsumerTypes> extends Consumer<T> {
  /** Called with the decoded value of each text frame: any JSON value, from a client that may be hostile. */
  receive(_value: unknown): void | Promise<void> {
    this.unhandled();
  }

  /** Called when a text frame is no JSON. Not overridden, the client gets `{"error":"…"}`, and the connection stays. */
  receiveInvalidJson(_text: string, error: SyntaxError): void | Promise<void> {
    this.sendJson({ error: `This endpoint takes JSON: ${error.message}` });
  }

  /** Called with each binary frame. Not overridden, the connection closes with 1003: it takes text only. */
  receiveBinary(_bytes: Uint8Array): void | Promise<void> {
    this.close(CloseCode.unsupportedFrame, "This endpoint takes JSON text frames only");
  }

  /**
   * Sends `value` as JSON. A message that a layer delivered, or a part of it, is written once for all members of a group.
   *
   * @throws {TypeError} if JSON cannot hold it: `undefined`, a function, a BigInt, a cycle.
   */
  sendJson(value: unknown): void {
    this.send(jsonText(value));
  }

  /** @internal */
  override [receiveFrame](frame: Frame): unknown {
    if (typeof frame !== "string") return this.receiveBinary(frame);
    let value: unknown;
    try {
      value = JSON.parse(frame);
    } catch (error) {
      return this.receiveInvalidJson(frame, error as SyntaxError);
    }
    return this.receive(value);
  }
}

/** What was made of values that cannot change any more; nothing yet of frozen ones that came once. */
const texts = new WeakMap<object, string | undefined>();

/**
 * `value` as JSON. Where it cannot change, as a message that a layer has delivered, that is done once for all who send it.
 *
 * @throws {TypeError} if JSON cannot hold it: `undefined`, a function, a BigInt, a cycle.
 */
export function jsonText(value: unknown): string {
  if (typeof value !== "object" || value === null || !Object.isFrozen(value)) return stringify(value);
  const known = texts.get(value);
  if (known !== undefined) return known;
  const text = stringify(value);
  // To find out whether it can change takes longer than to write it: that pays for those that come again.
  if (!texts.has(value)) texts.set(value, undefined);
  else if (cannotChange(value)) texts.set(value, text);
  return text;
}

function stringify(value: unknown): string {
  const text: string | undefined = JSON.stringify(value);
  if (text === undefined) throw new TypeError(`JSON cannot hold a value of type ${typeof value}.`);
  return text;
}

/** Whether JSON would say the same of `value` at any later time: frozen to its last leaf, and nothing in it computed. */
function cannotChange(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return typeof value !== "function";
  if (!Object.isFrozen(value) || !isPlain(value)) return false;
  return Object.values(Object.getOwnPropertyDescriptors(value)).every(
    (property) => "value" in property && cannotChange(property.value),
  );
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === Array.prototype || prototype === null;
}
