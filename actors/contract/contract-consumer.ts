import type { Contract, FrameId, ServerFrames } from "../../contract/index.ts";
import { isPromise } from "../../layers/async-errors.ts";
import type { Message } from "../../layers/message.ts";
import { type ClientFrame, parseFrame } from "../client-frame.ts";
import { CloseCode } from "../close-codes.ts";
import { Consumer, type ConsumerStatics, receiveFrame, sendFrame } from "../consumer.ts";
import type { ConsumerContext, Frame } from "../consumer-context.ts";
import type { Supervision } from "../consumer-options.ts";
import type { NoConsumerTypes } from "../consumer-types.ts";
import { failFrame, refuseFrame, sendReply } from "../frame-answers.ts";
import { FrameError } from "../frame-error.ts";
import { FrameRefusal } from "../frame-refusal.ts";
import { findHandler } from "../handlers.ts";
import { cachedText, messageText } from "../json-text.ts";
import type { AsJson } from "../json-type.ts";
import { type CheckedFrame, ClientFrames } from "./client-frames.ts";
import { checkReply, checkServerFrame } from "./outgoing-check.ts";
import { relayFrame } from "./relay.ts";
import { frameText } from "./server-frame.ts";

/** The types that a consumer with a contract declares. */
export interface ContractConsumerTypes {
  /** The messages that the consumer handles or sends to groups: `{ room_message: { message: string } }`. */
  readonly messages?: object;
  /** The user that a guard finds. `route` refuses the consumer behind guards that find no such user. */
  readonly user?: unknown;
}

/** The types of a consumer with the contract `K`. */
export interface TypesWithContract<K extends Contract, T extends ContractConsumerTypes> {
  readonly messages: T["messages"] extends object ? T["messages"] : Record<never, never>;
  readonly contract: K;
  readonly user: T extends { readonly user: infer U } ? U : unknown;
}

/** Handles one connection whose frames follow a contract: see {@link contractConsumer}. */
export abstract class ContractConsumer<
  K extends Contract,
  T extends ContractConsumerTypes = NoConsumerTypes,
> extends Consumer<TypesWithContract<K, T>> {
  /** The contract of the path. {@link contractConsumer} sets it. */
  static readonly contract: Contract;
  /** The handlers of the client's frames, by type: the return value of the function {@link frames}. */
  static readonly frames: object = {};
  /**
   * By default, a frame whose handler fails is skipped, and any other failure stops the connection.
   * @default { onFailure: (_, stage) => (stage === "receive" ? "resume" : "stop") }
   */
  static override readonly supervision: Supervision = {
    onFailure: (_error, stage) => (stage === "receive" ? "resume" : "stop"),
  };
  readonly #context: ConsumerContext;

  /** Called by the runtime. A subclass that declares a constructor must pass `context` to `super`. */
  constructor(context: ConsumerContext) {
    super(context);
    this.#context = context;
  }

  /** Called with each binary frame. By default, the connection closes with 1003. */
  receiveBinary(_bytes: Uint8Array): void | Promise<void> {
    this.close(CloseCode.unsupportedFrame, "This endpoint takes JSON text frames only");
  }

  /**
   * Sends a frame of the contract to the client. Frames keep their order. The JSON of a delivered message that is
   * passed on is cached for the other members of the group. A property with the value `undefined` is left out, and
   * a bigint becomes a string of decimal digits. On a closing connection, the frame is dropped and counted as
   * `closing`.
   *
   * With the runtime's option `validateOutgoing`, a payload that does not fit its schema is reported to `onError`.
   * It is sent nevertheless.
   *
   * @throws {AcceptError} if the connection is not accepted yet.
   * @throws {TypeError} if JSON cannot hold the payload, as {@link JsonWebSocketConsumer.sendJson} does.
   */
  send<F extends keyof ServerFrames<K> & string>(type: F, payload: AsJson<ServerFrames<K>[F]>): void {
    const encode = () => {
      this.#checkOutgoing(type, payload);
      return frameText(type, payload);
    };
    const isObject = typeof payload === "object" && payload !== null;
    this[sendFrame](isObject ? cachedText(payload, type, encode) : encode());
  }

  /** Sends a binary frame, which no contract describes. @throws as {@link send} does. */
  sendBinary(bytes: Uint8Array): void {
    this[sendFrame](bytes);
  }

  /** @internal */
  override [receiveFrame](frame: Frame): unknown {
    if (typeof frame !== "string") return this.receiveBinary(frame);
    const parsed = parseFrame(frame);
    const checked = parsed instanceof FrameRefusal ? parsed : this.#check(parsed);
    return isPromise(checked) ? checked.then((done) => this.#handle(done)) : this.#handle(checked);
  }

  /** @internal */
  [relayFrame](type: string, message: Message): void {
    const text = messageText(message, type, () => {
      this.#checkOutgoing(type, message);
      return frameText(type, message);
    });
    this[sendFrame](text);
  }

  #check(frame: ClientFrame) {
    const { clock, limits } = this.#context.runtime;
    return ClientFrames.of(this.#contract).check(frame, { clock, timeoutMs: limits.schemaTimeoutMs });
  }

  #handle(frame: CheckedFrame | FrameRefusal): unknown {
    const context = this.#context;
    if (frame instanceof FrameRefusal) return refuseFrame(context, frame);
    const { frames } = this.constructor as typeof ContractConsumer;
    const handler = findHandler(frames, frame.type);
    const finish = (value: unknown) => this.#finish(frame, value);
    const fail = (error: unknown) => this.#fail(frame, error);
    try {
      const result = handler?.call(this, frame.payload, noDelivery);
      return isPromise(result) ? result.then(finish).then(undefined, fail) : finish(result);
    } catch (error) {
      return fail(error);
    }
  }

  /** Replies if the frame asks. */
  #finish({ type, id }: CheckedFrame, value: unknown): void {
    if (id === undefined) return;
    const context = this.#context;
    if (context.runtime.validateOutgoing) checkReply(this.#contract, type, value, this.#report);
    sendReply(context, id, value);
  }

  #fail({ type, id }: { readonly type: string; readonly id: FrameId | undefined }, error: unknown): void {
    const context = this.#context;
    if (error instanceof FrameError) {
      const { code, message, data } = error;
      refuseFrame(context, new FrameRefusal(code, message, { id, data }));
      return;
    }
    failFrame(context, type, id);
    throw error;
  }

  #checkOutgoing(type: string, payload: unknown): void {
    if (this.#context.runtime.validateOutgoing) checkServerFrame(this.#contract, type, payload, this.#report);
  }

  get #contract(): Contract {
    return (this.constructor as typeof ContractConsumer).contract;
  }

  readonly #report = (key: string, error: () => Error): void =>
    this.#context.reportSometimes(key, "send", error);
}

const noDelivery = Object.freeze({});

/** The class that {@link contractConsumer} returns: a base class for consumers. */
export interface ContractConsumerBase<K extends Contract> extends ConsumerStatics {
  new <T extends ContractConsumerTypes = NoConsumerTypes>(context: ConsumerContext): ContractConsumer<K, T>;
  readonly contract: K;
  readonly frames: object;
}

/**
 * Returns a base class for consumers whose frames follow a contract. Frames are JSON, such as
 * `{"type":"say","text":"hi"}`, so any WebSocket client can send them. A frame that does not fit never reaches a
 * handler: the client gets a `greenroom.error`, and the connection stays open.
 *
 * @example
 * ```ts
 * class RoomChat extends contractConsumer(roomChat)<{ messages: Messages; user: User }> {
 *   static override readonly layer = "chat";
 *   static override readonly frames = frames<RoomChat>({
 *     say({ text }) {
 *       return this.groupSend("room", { type: "said", from: this.scope.user.name, text });
 *     },
 *   });
 *   static override readonly on = handlers<RoomChat>({ said: relay });
 *   override async connect() {
 *     await this.groupAdd("room");
 *   }
 * }
 * runtime.route(RoomChat);
 * ```
 */
export function contractConsumer<K extends Contract>(contract: K): ContractConsumerBase<K> {
  class Contracted extends ContractConsumer<K> {
    static override readonly contract: Contract = contract;
  }
  return Contracted as unknown as ContractConsumerBase<K>;
}
