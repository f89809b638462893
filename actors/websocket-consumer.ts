import { CloseCode } from "./close-codes.ts";
import { Consumer, receiveFrame } from "./consumer.ts";
import type { Frame } from "./consumer-context.ts";
import type { ConsumerTypes, NoConsumerTypes } from "./consumer-types.ts";

/**
 * A consumer of text and binary frames.
 *
 * @example
 * ```ts
 * class Echo extends WebSocketConsumer {
 *   override receive(text: string) { this.send(text); }
 * }
 * ```
 */
export abstract class WebSocketConsumer<T extends ConsumerTypes = NoConsumerTypes> extends Consumer<T> {
  /** Called with each text frame. By default, the frame is dropped and counted as `unhandled`. */
  receive(_text: string): void | Promise<void> {
    this.unhandled();
  }

  /** Called with each binary frame. By default, the connection closes with 1003. */
  receiveBinary(_bytes: Uint8Array): void | Promise<void> {
    this.close(CloseCode.unsupportedFrame, "This endpoint takes text frames only");
  }

  /** @internal */
  override [receiveFrame](frame: Frame): unknown {
    return typeof frame === "string" ? this.receive(frame) : this.receiveBinary(frame);
  }
}
