import { CloseCode } from "./close-codes.ts";
import { Consumer, receiveFrame, sendFrame } from "./consumer.ts";
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

  /**
   * Sends one WebSocket message to the client. Messages keep their order. The frames of one turn of the event
   * loop are written together, so the bytes of a frame MUST NOT change after this call: send a copy of a
   * buffer that you reuse. On a closing connection, the frame is dropped and counted as `closing`.
   *
   * @throws {AcceptError} if the connection is not accepted yet.
   */
  send(frame: Frame): void {
    this[sendFrame](frame);
  }

  /** @internal */
  override [receiveFrame](frame: Frame): unknown {
    return typeof frame === "string" ? this.receive(frame) : this.receiveBinary(frame);
  }
}
