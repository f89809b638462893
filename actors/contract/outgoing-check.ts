import type { AskingFrame, ClientFrame, Contract, Schema } from "../../contract/index.ts";
import { isPromise } from "../../layers/async-errors.ts";
import type { Message } from "../../layers/message.ts";
import type { ConsumerContext } from "../consumer-context.ts";
import { type MessageShapeError, shapeErrorOf } from "../message-shape-error.ts";
import { OutgoingFrameError } from "./outgoing-frame-error.ts";
import { fieldsOf } from "./server-frame.ts";
import { type Validation, validate, validatePayload } from "./validate.ts";

/** Receives a deviation from the contract. `key` is the same for deviations of the same kind. */
type Report = (key: string, error: () => Error) => void;

/**
 * Runs `check` if the runtime has the option `validateOutgoing`. Reports the deviations that it finds, but only now
 * and then, because every frame may have one.
 */
export function checkOutgoing(context: ConsumerContext, check: (report: Report) => void): void {
  if (!context.runtime.validateOutgoing) return;
  context.runSchema(() => check((key, error) => context.reportSometimes(key, "send", error)));
}

/** Checks a frame of the server against its schema. Reports a deviation, and never throws. */
export function checkServerFrame({ server }: Contract, type: string, payload: unknown, report: Report): void {
  const schemas = server as Readonly<Record<string, Schema>>;
  if (!Object.hasOwn(schemas, type)) {
    report(
      "",
      () =>
        new OutgoingFrameError(`The server sent a frame of the type "${type}", which its contract lacks.`),
    );
    return;
  }
  const schema = schemas[type] as Schema;
  const validateFrame = () => validatePayload(schema, fieldsOf(payload));
  check(validateFrame, `a frame of the type "${type}"`, type, report);
}

/**
 * Returns the reason why `message` is not relayed as the frame `type`, if there is one. Unlike a frame that a handler
 * sends, the message may come from any process.
 */
export function relayErrorOf(
  { server }: Contract,
  type: string,
  message: Message,
): MessageShapeError | undefined {
  const schema = (server as Readonly<Record<string, Schema>>)[type] as Schema;
  return shapeErrorOf(type, () => validatePayload(schema, fieldsOf(message)));
}

/** Checks the reply to a frame of `type`, as {@link checkServerFrame} does. */
export function checkReply({ client }: Contract, type: string, value: unknown, report: Report): void {
  const frame = (client as Readonly<Record<string, ClientFrame>>)[type] as AskingFrame;
  const validateReply = () => validate(frame.reply, value);
  check(validateReply, `a reply to the frame "${type}"`, `${type} reply`, report);
}

function check(
  validation: () => Validation | Promise<Validation>,
  what: string,
  key: string,
  report: Report,
): void {
  const finish = ({ issues }: Validation) => {
    if (issues === undefined) return;
    const list = issues.map(({ path, message }) => `${path.join(".") || "payload"}: ${message}`).join("; ");
    report(
      key,
      () => new OutgoingFrameError(`The server sent ${what} that does not fit its schema: ${list}.`),
    );
  };
  const fail = (cause: unknown) =>
    report(key, () => new OutgoingFrameError(`The schema of ${what} failed.`, { cause }));
  try {
    const outcome = validation();
    if (isPromise(outcome)) outcome.then(finish, fail);
    else finish(outcome);
  } catch (error) {
    fail(error);
  }
}
