import { type ErrorFrame, type FrameId, FrameType, type ReplyFrame } from "../contract/index.ts";
import type { ConsumerContext } from "./consumer-context.ts";
import { FrameRefusal } from "./frame-refusal.ts";
import { jsonText } from "./json-text.ts";
import { RefusedFrameError } from "./refused-frame-error.ts";

/** The key of the method that the runtime calls when it no longer waits for a handler. */
export const timedOut = Symbol("timedOut");

/** A consumer that has to answer a frame whose handler has not settled in time. */
export interface AnswersInTime {
  readonly [timedOut]?: () => void;
}

/** Sends the reply to a frame that asks. @throws {TypeError} as {@link JsonWebSocketConsumer.sendJson} does. */
export function sendReply(context: ConsumerContext, id: FrameId, value: unknown): void {
  context.send(jsonText({ type: FrameType.reply, id, value } satisfies ReplyFrame));
}

/**
 * Tells the client that its frame was refused, and counts the frame under the code of the refusal. Reports a
 * refusal by the protocol, but only now and then, because a client can cause any number of them.
 * @throws {TypeError} as {@link JsonWebSocketConsumer.sendJson} does, because of the refusal's `data`.
 */
export function refuseFrame(context: ConsumerContext, refusal: FrameRefusal): void {
  const text = errorText(refusal);
  recordRefusal(context, refusal);
  context.send(text);
}

/** Counts and reports a refusal as {@link refuseFrame} does, but does not tell the client. */
export function recordRefusal(context: ConsumerContext, { code, message, cause }: FrameRefusal): void {
  context.countRefusal(code);
  if (code.startsWith("greenroom."))
    context.reportSometimes(code, "frame", () => cause ?? new RefusedFrameError(code, message));
}

/** Tells the client that the handler of its frame has failed, and counts the frame. Does not report the error. */
export function failFrame(context: ConsumerContext, type: string, id: FrameId | undefined): void {
  const message = `The server could not handle the frame "${type}".`;
  context.countRefusal("greenroom.failed");
  context.send(errorText(new FrameRefusal("greenroom.failed", message, { id })));
}

function errorText({ code, message, ...facts }: FrameRefusal): string {
  const { id, issues, expected, data } = facts;
  const frame: ErrorFrame = {
    type: FrameType.error,
    ...(id !== undefined && { id }),
    code,
    message,
    ...(issues && { issues }),
    ...(expected && { expected }),
    ...(data !== undefined && { data }),
  };
  return jsonText(frame);
}
