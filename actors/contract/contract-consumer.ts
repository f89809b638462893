import type { Contract, ServerFrames } from "../../contract/index.ts";
import { isPromise, toPromise } from "../../layers/async-errors.ts";
import type { Delivery, Message } from "../../layers/message.ts";
import { type ClientFrame, parseFrame } from "../client-frame.ts";
import { CloseCode } from "../close-codes.ts";
import { Consumer, type ConsumerStatics, receiveFrame, sendFrame } from "../consumer.ts";
import type { ConsumerContext, Frame } from "../consumer-context.ts";
import type { Supervision } from "../consumer-options.ts";
import type { ConsumerTypes, NoConsumerTypes, ServicesOf, UserOf } from "../consumer-types.ts";
import { failFrame, refuseFrame, sendReply, timedOut } from "../frame-answers.ts";
import { FrameError } from "../frame-error.ts";
import { FrameRefusal } from "../frame-refusal.ts";
import { findHandler } from "../handlers.ts";
import { cachedFrame } from "../json-text.ts";
import type { AsJson } from "../json-type.ts";
import { type CheckedFrame, ClientFrames } from "./client-frames.ts";
import { checkOutgoing, checkReply, checkServerFrame, relayErrorOf } from "./outgoing-check.ts";
import { type RelayedTexts, relayFrame } from "./relay.ts";
import { frameText } from "./server-frame.ts";

/** The types that a consumer with a contract declares. Its path and its frames come from the contract. */
export type ContractConsumerTypes = Omit<ConsumerTypes, "contract" | "params">;

/** The types of a consumer with the contract `K`. */
export interface TypesWithContract<K extends Contract, T extends ContractConsumerTypes> {
  readonly messages: T["messages"] extends object ? T["messages"] : Record<never, never>;
  readonly contract: K;
  readonly user: UserOf<T>;
  readonly services: ServicesOf<T>;
}

/** A frame that may still need an answer. */
type PendingFrame = Pick<CheckedFrame, "type" | "id">;

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
  /** The frame whose schema or handler is pending. */
  #pending: PendingFrame | undefined;

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
    this.#checkOutgoing(type, payload);
    const encode = () => frameText(type, payload);
    const isObject = typeof payload === "object" && payload !== null;
    this[sendFrame](isObject ? cachedFrame(payload, type, encode) : encode());
  }

  /** Sends a binary frame, which no contract describes. @throws as {@link send} does. */
  sendBinary(bytes: Uint8Array): void {
    this[sendFrame](bytes);
  }

  /** @internal */
  override [receiveFrame](frame: Frame): unknown {
    if (typeof frame !== "string") return this.receiveBinary(frame);
    const parsed = parseFrame(frame);
    return parsed instanceof FrameRefusal ? refuseFrame(this.#context, parsed) : this.#receive(parsed);
  }

  /** @internal */
  [timedOut](): void {
    const frame = this.#pending;
    if (frame !== undefined && this.#settle(frame)) failFrame(this.#context, frame.type, frame.id);
  }

  /** @internal */
  [relayFrame](type: string, message: Message, delivery: Delivery, texts: RelayedTexts): void {
    const encode = () => {
      const error = this.#context.runSchema(() => relayErrorOf(this.#contract, type, message));
      if (error !== undefined) throw error;
      return frameText(type, message);
    };
    const hasPosition = this.#context.recovery?.relays(delivery) ?? false;
    this[sendFrame](hasPosition ? texts.positioned(message, delivery, encode) : texts.of(message, encode));
  }

  #receive(frame: ClientFrame): unknown {
    const { clock, limits } = this.#context.runtime;
    const clientFrames = ClientFrames.of(this.#contract);
    const deadline = { clock, timeoutMs: limits.schemaTimeoutMs };
    const checked = this.#context.runSchema(() => clientFrames.check(frame, deadline));
    if (!isPromise(checked)) return this.#handle(checked);
    const pending = { type: frame.type, id: clientFrames.idOf(frame) };
    this.#pending = pending;
    return checked.then((done) => (this.#settle(pending) ? this.#handle(done) : undefined));
  }

  #handle(frame: CheckedFrame | FrameRefusal): unknown {
    if (frame instanceof FrameRefusal) return refuseFrame(this.#context, frame);
    this.#context.handlesFrame(frame.type);
    const { frames } = this.constructor as typeof ContractConsumer;
    const handler = findHandler(frames, frame.type);
    let result: unknown;
    try {
      result = toPromise(handler?.call(this, frame.payload, noDelivery));
    } catch (error) {
      return this.#fail(frame, error);
    }
    return isPromise(result) ? this.#await(frame, result) : this.#finish(frame, result);
  }

  #await(frame: CheckedFrame, result: PromiseLike<unknown>): PromiseLike<unknown> {
    this.#pending = frame;
    return result.then(
      (value) => {
        if (this.#settle(frame)) this.#finish(frame, value);
      },
      (error) => {
        if (this.#settle(frame)) this.#fail(frame, error);
        else if (!(error instanceof FrameError)) this.#context.fail(error, "receive");
      },
    );
  }

  /** Returns false if the frame was answered already, because its handler had taken too long. */
  #settle(frame: PendingFrame): boolean {
    if (this.#pending !== frame) return false;
    this.#pending = undefined;
    return true;
  }

  /** Replies if the frame asks. */
  #finish(frame: CheckedFrame, value: unknown): void {
    const { type, id } = frame;
    if (id === undefined) return;
    const context = this.#context;
    try {
      checkOutgoing(context, (report) => checkReply(this.#contract, type, value, report));
      sendReply(context, id, value);
    } catch (error) {
      this.#fail(frame, error);
    }
  }

  #fail(frame: PendingFrame, error: unknown): void {
    const { type, id } = frame;
    const context = this.#context;
    if (!(error instanceof FrameError)) {
      failFrame(context, type, id);
      throw error;
    }
    const { code, message, data } = error;
    try {
      refuseFrame(context, new FrameRefusal(code, message, { id, data }));
    } catch (notJson) {
      failFrame(context, type, id);
      throw notJson;
    }
  }

  #checkOutgoing(type: string, payload: unknown): void {
    checkOutgoing(this.#context, (report) => checkServerFrame(this.#contract, type, payload, report));
  }

  get #contract(): Contract {
    return (this.constructor as typeof ContractConsumer).contract;
  }
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
 *     rename: () => ({ members: 1 }),
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
