import { asError } from "../layers/errors.ts";
import { CloseCode } from "./close-codes.ts";
import { receiveFrame } from "./consumer.ts";
import type { ConsumerContext, Frame } from "./consumer-context.ts";
import type { ConsumerTypes, NoConsumerTypes } from "./consumer-types.ts";
import { decodeFrame, encodeFrame, type FrameCodec, jsonCodec } from "./frame-codec.ts";
import type { AsJson } from "./json-type.ts";
import { WebSocketConsumer } from "./websocket-consumer.ts";

/**
 * A consumer that receives and sends JSON text frames, or values in another {@link codec}.
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
   * The codec of the client's frames and of {@link sendJson}, in the place of JSON.
   *
   * An error of its `decode` goes to {@link receiveInvalidJson}, and to the runtime's `onError` at most once a minute,
   * because it may be a fault of the client or of the codec. The compiler checks values of `sendJson` for JSON. To send
   * others, override it: `override sendJson(value: unknown) { super.sendJson(value); }`.
   *
   * @example
   * static override readonly codec: FrameCodec = superJson;
   */
  static readonly codec: FrameCodec = jsonCodec;

  readonly #context: ConsumerContext;

  /** Called by the runtime. A subclass that declares a constructor must pass `context` to `super`. */
  constructor(context: ConsumerContext) {
    super(context);
    this.#context = context;
  }

  /**
   * Called with the decoded value of each frame. Clients can send any JSON value, so check the value. By
   * default, the value is dropped and the frame is counted as `unhandled`.
   */
  override receive(_value: unknown): void | Promise<void> {
    this.unhandled();
  }

  /**
   * Called with each frame that {@link codec} cannot decode: a text that is not JSON, or that holds a number too large
   * for a double, such as `1e999`. By default, sends `{"error":"…"}` and does not close.
   */
  receiveInvalidJson(_frame: Frame, error: Error): void | Promise<void> {
    // The text of an error of another codec may be meant for the developer alone.
    const isJson = this.#codec === jsonCodec;
    this.sendJson({
      error: isJson ? `This endpoint takes JSON: ${error.message}` : "The frame is malformed",
    });
  }

  /** Called with each binary frame, if {@link codec} decodes texts. By default, the connection closes with 1003. */
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
   * With another {@link codec}, `value` is sent as the codec encodes it.
   *
   * @throws {TypeError} if JSON cannot hold `value`, or would change a part of it: a `Map`, a `Set`, an
   *   `Error`, bytes, `NaN`, `Infinity`, an invalid date, a function, `undefined` in an array, an instance of
   *   a class without properties, or a cycle; or if another codec fails. The message names the path of the part, such as
   *   `.items[3].price`. If a handler in `on` throws this error, the message that it handles is dropped and
   *   counted as `not-json`, the error is reported, and the connection stays open: the value may come from
   *   another program. In any other method, the error is a failure of the actor.
   */
  sendJson<V>(value: V & AsJson<V>): void {
    this.send(encodeFrame(this.#codec, value));
  }

  /** @internal */
  override [receiveFrame](frame: Frame): unknown {
    const codec = this.#codec;
    if (codec.binary && typeof frame === "string")
      return this.close(CloseCode.unsupportedFrame, "This endpoint takes binary frames only");
    if (!codec.binary && typeof frame !== "string") return this.receiveBinary(frame);
    let value: unknown;
    try {
      value = decodeFrame(codec, frame);
    } catch (thrown) {
      const error = asError(thrown);
      if (codec !== jsonCodec) this.#context.reportSometimes("codec.decode", "frame", () => error);
      return this.receiveInvalidJson(frame, error);
    }
    return this.receive(value);
  }

  get #codec(): FrameCodec {
    return (this.constructor as typeof JsonWebSocketConsumer).codec;
  }
}
