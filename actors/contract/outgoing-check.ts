import type { AskingFrame, ClientFrame, Contract, Schema } from "../../contract/index.ts";
import { isPromise } from "../../layers/async-errors.ts";
import { OutgoingFrameError } from "./outgoing-frame-error.ts";
import { fieldsOf } from "./server-frame.ts";
import { type Validation, validate } from "./validate.ts";

/** Receives a deviation from the contract. `key` is the same for deviations of the same kind. */
type Report = (key: string, error: () => Error) => void;

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
  check(schemas[type] as Schema, payloadLike(payload), `a frame of the type "${type}"`, type, report);
}

/** Checks the reply to a frame of `type`, as {@link checkServerFrame} does. */
export function checkReply({ client }: Contract, type: string, value: unknown, report: Report): void {
  const frame = (client as Readonly<Record<string, ClientFrame>>)[type] as AskingFrame;
  check(frame.reply, value, `a reply to the frame "${type}"`, `${type} reply`, report);
}

/** A message that is sent on as a frame has a type of its own, which is not a part of the payload. */
const payloadLike = (payload: unknown): unknown =>
  typeof payload === "object" && payload !== null && Object.hasOwn(payload, "type")
    ? fieldsOf(payload)
    : payload;

function check(schema: Schema, value: unknown, what: string, key: string, report: Report): void {
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
    const outcome = validate(schema, value);
    if (isPromise(outcome)) outcome.then(finish, fail);
    else finish(outcome);
  } catch (error) {
    fail(error);
  }
}
