import { CloseCode } from "./close-codes.ts";
import { Consumer, type NoConsumerTypes, receiveFrame } from "./consumer.ts";
import type { Frame } from "./consumer-context.ts";
import type { ConsumerTypes } from "./contract.ts";
import { jsonText } from "./json-text.ts";

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
