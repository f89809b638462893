import type { Contract, FrameId } from "../../contract/index.ts";
import { asFrameId } from "../client-frame.ts";
import type { ConsumerContext } from "../consumer-context.ts";
import { checkOutgoing, checkReply } from "../contract/outgoing-check.ts";
import { failFrame, recordRefusal, refuseFrame, sendReply } from "../frame-answers.ts";
import { FrameError } from "../frame-error.ts";
import { FrameRefusal } from "../frame-refusal.ts";
import type { RefuseEffect, ReplyEffect } from "./machine-events.ts";
import type { ReceivedFrame } from "./machine-frames.ts";

/** The answer to the frame or the message that a machine handles. */
export interface PendingAnswer {
  reply(value: unknown): void;
  refuse(error: FrameError): void;
  /** Called when an effect with an `id` has answered the frame with this id. */
  sent(id: FrameId | undefined): void;
  /** Tells the client that the machine, or an effect that it has emitted, has failed. */
  fail(): void;
}

/** At most this many frames are remembered, because a client may send any number of them. */
const maxAsked = 100;

/** The options of {@link MachineConsumerOptions} about answers. */
interface AnswerOptions {
  readonly contract?: Contract | undefined;
  readonly answerUnexpected?: boolean;
}

/** Answers the frames of one connection. */
export class MachineAnswers {
  readonly #context: ConsumerContext;
  readonly #contract: Contract | undefined;
  readonly #answersUnexpected: boolean;
  /** The types of the last frames that asked, by id. They are needed only to check late replies. */
  #asked: Map<FrameId, string> | undefined;

  constructor(context: ConsumerContext, { contract, answerUnexpected = true }: AnswerOptions) {
    this.#context = context;
    this.#contract = contract;
    this.#answersUnexpected = answerUnexpected;
  }

  /** Returns the answer to a frame, which is sent at once. */
  toFrame(frame: ReceivedFrame): PendingAnswer {
    const { id, type } = frame;
    if (id !== undefined && this.#checksReplies) {
      if (this.#asked === undefined || this.#asked.size === maxAsked) this.#asked = new Map();
      this.#asked.set(id, type);
    }
    return new FrameAnswer(frame, this, this.#context);
  }

  /** @throws {Error} if the effect has no id, and nothing is handled now. */
  performReply(effect: ReplyEffect, current: PendingAnswer | undefined): void {
    const id = asFrameId(effect.id);
    if (!("id" in effect)) required(current, effect.type).reply(effect.value);
    else if (id !== undefined) {
      this.sendReply(id, effect.value, this.#asked?.get(id));
      current?.sent(id);
    }
  }

  /**
   * @throws {TypeError} if the code belongs to the protocol.
   * @throws {Error} as {@link performReply} does.
   */
  performRefuse(effect: RefuseEffect, current: PendingAnswer | undefined): void {
    const error = new FrameError(effect.code, effect.message, effect.data);
    if ("id" in effect) {
      const id = asFrameId(effect.id);
      this.sendRefusal(id, error);
      current?.sent(id);
    } else required(current, effect.type).refuse(error);
  }

  /** Refuses a frame that the machine does not get. @param expected the types that the machine accepts now */
  refuse(refusal: FrameRefusal, expected: readonly string[]): void {
    const { code, message } = refusal;
    const isFailure = code === "greenroom.failed";
    const full = isFailure ? refusal : new FrameRefusal(code, message, { ...refusal, expected });
    const fitsNoContract = this.#contract !== undefined && code !== "greenroom.unexpected";
    if (this.#answersUnexpected || fitsNoContract) refuseFrame(this.#context, full);
    else recordRefusal(this.#context, full);
  }

  /** Refuses a frame that the machine does not accept in its state. @param expected as for {@link refuse} */
  refuseUnexpected({ type, id }: ReceivedFrame, expected: readonly string[]): void {
    const message = `"${type}" is not accepted in this state; accepted: ${expected.join(", ") || "nothing"}.`;
    this.refuse(new FrameRefusal("greenroom.unexpected", message, { id }), expected);
  }

  /** @param type the type of the frame, if it is known */
  sendReply(id: FrameId, value: unknown, type: string | undefined): void {
    const contract = this.#contract;
    if (contract !== undefined && type !== undefined)
      checkOutgoing(this.#context, (report) => checkReply(contract, type, value, report));
    sendReply(this.#context, id, value);
  }

  sendRefusal(id: FrameId | undefined, { code, message, data }: FrameError): void {
    refuseFrame(this.#context, new FrameRefusal(code, message, { id, data }));
  }

  get #checksReplies(): boolean {
    return this.#contract !== undefined && this.#context.runtime.validateOutgoing;
  }
}

class FrameAnswer implements PendingAnswer {
  readonly #frame: ReceivedFrame;
  readonly #answers: MachineAnswers;
  readonly #context: ConsumerContext;
  #isSent = false;
  /** Unlike `#isSent`, this refuses no second answer: the client may have used the id of an earlier frame again. */
  #hasAnswer = false;

  constructor(frame: ReceivedFrame, answers: MachineAnswers, context: ConsumerContext) {
    this.#frame = frame;
    this.#answers = answers;
    this.#context = context;
  }

  reply(value: unknown): void {
    const { type, asks, id } = this.#frame;
    if (!asks)
      throw new Error(`The frame "${type}" does not ask, so it gets no reply: emit \`send\` instead.`);
    this.#refuseSecond();
    if (id !== undefined) this.#answers.sendReply(id, value, type);
    this.#isSent = true;
  }

  refuse(error: FrameError): void {
    this.#refuseSecond();
    this.#answers.sendRefusal(this.#frame.id, error);
    this.#isSent = true;
  }

  sent(id: FrameId | undefined): void {
    if (id === this.#frame.id) this.#hasAnswer = true;
  }

  fail(): void {
    if (!this.#isSent && !this.#hasAnswer) failFrame(this.#context, this.#frame.type, this.#frame.id);
    this.#isSent = true;
  }

  #refuseSecond(): void {
    if (this.#isSent)
      throw new Error(`The frame "${this.#frame.type}" has its answer: emit one \`reply\` or \`refuse\`.`);
  }
}

/** The answer to a message, which is sent when all effects are done. The last one counts. */
export class MessageAnswer implements PendingAnswer {
  /** The value of the reply, or the refusal. */
  value: unknown;

  reply(value: unknown): void {
    this.value = value;
  }

  refuse({ code, message }: FrameError): void {
    this.value = new FrameRefusal(code, message);
  }

  sent(): void {}

  /** The failed actor answers the ask. */
  fail(): void {}
}

function required(current: PendingAnswer | undefined, type: string): PendingAnswer {
  if (current !== undefined) return current;
  throw new Error(
    `A ${type} was emitted while the machine handles no frame or message: emit \`${type}\` in an action of the ` +
      "transition that the frame or message causes. To answer a frame later, add the `id` of the frame. To answer " +
      "a message later, send a message to the channel that the asker has put into its message.",
  );
}
