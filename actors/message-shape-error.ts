import type { FrameIssue } from "../contract/index.ts";
import { isPromise } from "../layers/async-errors.ts";
import { GreenroomError } from "../layers/errors.ts";
import { listIssues, type Validation } from "./contract/validate.ts";

/**
 * A message does not fit the schema that a consumer has for its type, or the schema failed. The message is dropped
 * before a handler runs, and counted as `invalid`. Only `onError` receives this error, at most once a minute for each
 * consumer and type of message.
 */
export class MessageShapeError extends GreenroomError {
  /** The type of the message, as the consumer declares it. */
  readonly messageType: string;
  /** The parts that do not fit. Empty if the schema failed. */
  readonly issues: readonly FrameIssue[];

  constructor(
    messageType: string,
    message: string,
    issues: readonly FrameIssue[] = [],
    options?: ErrorOptions,
  ) {
    super("ERR_MESSAGE_SHAPE", message, options);
    this.messageType = messageType;
    this.issues = issues;
  }
}

/** Returns the reason why a message of `type` is to be dropped, if there is one. Never throws. */
export function shapeErrorOf(
  type: string,
  validate: () => Validation | Promise<Validation>,
): MessageShapeError | undefined {
  let outcome: Validation | Promise<Validation>;
  try {
    outcome = validate();
  } catch (cause) {
    return new MessageShapeError(type, `The schema of the message "${type}" failed.`, [], { cause });
  }
  if (isPromise(outcome)) {
    outcome.then(undefined, () => {});
    return new MessageShapeError(
      type,
      `The schema of the message "${type}" is asynchronous: only a synchronous schema can check messages.`,
    );
  }
  const { issues } = outcome;
  if (issues === undefined) return undefined;
  return new MessageShapeError(
    type,
    `A message of the type "${type}" does not fit its schema: ${listIssues(issues)}`,
    issues,
  );
}
