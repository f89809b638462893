import { CloseCode } from "./close-codes.ts";
import { receiveFrame } from "./consumer.ts";
import type { Frame } from "./consumer-context.ts";
import type { ConsumerTypes, NoConsumerTypes } from "./consumer-types.ts";
import { jsonText } from "./json-text.ts";
import type { AsJson } from "./json-type.ts";
import { parseJson } from "./parse-json.ts";
import { WebSocketConsumer } from "./websocket-consumer.ts";

/**
 * A consumer that receives and sends JSON text frames.
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
export abstract class JsonWebSocketConsumer<
  T extends ConsumerTypes = NoConsumerTypes,
> extends WebSocketConsumer<T> {
  /**
   * Called with the decoded value of each text frame. Clients can send any JSON value, so check the value. By
   * default, the value is dropped and the frame is counted as `unhandled`.
   */
  override receive(_value: unknown): void | Promise<void> {
    this.unhandled();
  }

  /**
   * Called with each text frame that is not JSON, or that holds a number too large for a double, such as
   * `1e999`. By default, sends `{"error":"…"}` and does not close.
   */
  receiveInvalidJson(_text: string, error: SyntaxError): void | Promise<void> {
    this.sendJson({ error: `This endpoint takes JSON: ${error.message}` });
  }

  /** Called with each binary frame. By default, the connection closes with 1003. */
  override receiveBinary(_bytes: Uint8Array): void | Promise<void> {
    this.close(CloseCode.unsupportedFrame, "This endpoint takes JSON text frames only");
  }

  /**
   * Sends `value` as JSON. The JSON of a delivered message is cached for the other members of the group. A
   * property with the value `undefined` is left out, and an object with a `toJSON` method is sent as the
   * method says. A bigint becomes a string of decimal digits: `12345678901234567890n` is sent as
   * `"12345678901234567890"`.
   *
   * The compiler refuses most of the values that cause an error. It also refuses an instance of a class with
   * methods and without `toJSON`: send a copy of its properties, `{ ...instance }`.
   *
   * @throws {TypeError} if JSON cannot hold `value`, or would change a part of it: a `Map`, a `Set`, an
   *   `Error`, bytes, `NaN`, `Infinity`, an invalid date, a function, `undefined` in an array, an instance of
   *   a class without properties, or a cycle. The message names the path of the part, such as
   *   `.items[3].price`. If a handler in `on` throws this error, the message that it handles is dropped and
   *   counted as `not-json`, the error is reported, and the connection stays open: the value may come from
   *   another program. In any other method, the error is a failure of the actor.
   */
  sendJson<V>(value: V & AsJson<V>): void {
    this.send(jsonText(value));
  }

  /** @internal */
  override [receiveFrame](frame: Frame): unknown {
    if (typeof frame !== "string") return this.receiveBinary(frame);
    let value: unknown;
    try {
      value = parseJson(frame);
    } catch (error) {
      return this.receiveInvalidJson(frame, error as SyntaxError);
    }
    return this.receive(value);
  }
}
