import type { AnyStateMachine } from "xstate";
import type { AskingFrame, ClientFrame, Contract, Schema } from "../contract/index.ts";
import { FrameType } from "../contract/index.ts";
import type {
  AsyncApiChannel,
  AsyncApiMessage,
  AsyncApiOperation,
  JsonSchema,
  Reference,
} from "./document.ts";
import { frameSchema } from "./envelope.ts";
import { addressOf, parametersOf } from "./parameters.ts";
import { envelopeOf, replySchema } from "./protocol-messages.ts";
import type { SharedSchemas } from "./shared-schemas.ts";
import { framesByState } from "./states.ts";

/** Returns the JSON Schema of a schema. `what` names the schema in an error. */
export type ToJsonSchema = (schema: Schema, what: string) => JsonSchema;

interface Tools {
  readonly toJsonSchema: ToJsonSchema;
  readonly shared: SharedSchemas;
}

const reference = (...path: readonly string[]): Reference => ({ $ref: `#/${path.join("/")}` });

/** Describes a contract as a channel with its operations. `key` is the key of the channel. */
export function describeContract(
  { contract, machine }: { readonly contract: Contract; readonly machine: AnyStateMachine | undefined },
  key: string,
  { toJsonSchema, shared }: Tools,
): { readonly channel: AsyncApiChannel; readonly operations: Readonly<Record<string, AsyncApiOperation>> } {
  const { path, params } = contract;
  const client = Object.entries(contract.client as Readonly<Record<string, ClientFrame>>);
  const server = Object.entries(contract.server as Readonly<Record<string, Schema>>);
  const messages: Record<string, AsyncApiMessage | Reference> = {};
  const operations: Record<string, AsyncApiOperation> = {};
  const channel = reference("channels", key);
  const inChannel = (message: string) => reference("channels", key, "messages", message);
  const write = (schema: Schema, what: string, message: string) =>
    shared.add(toJsonSchema(schema, `${what} of ${path}`), `${key}.${message}`);

  for (const [type, frame] of client) {
    const asks = !("~standard" in frame);
    const message = `client.${type}`;
    const payload = write(asks ? frame.payload : frame, `the frame "${type}"`, message);
    messages[message] = {
      ...describe(type, payload),
      ...(asks && { correlationId: reference("components", "correlationIds", "id") }),
      payload: frameSchema(payload, envelopeOf(type, asks), (ref) => shared.resolve(ref)),
    };
    if (asks) messages[`reply.${type}`] = replyTo(type, frame, write);
    operations[`${key}.${message}`] = {
      action: "receive",
      title: type,
      channel,
      messages: [inChannel(message)],
      ...(asks && { reply: { channel, messages: [inChannel(`reply.${type}`), inChannel("error")] } }),
    };
  }
  for (const [type, schema] of server) {
    const message = `server.${type}`;
    const payload = write(schema, `the frame "${type}"`, message);
    messages[message] = {
      ...describe(type, payload),
      payload: frameSchema(payload, envelopeOf(type, false), (ref) => shared.resolve(ref)),
    };
    operations[`${key}.${message}`] = {
      action: "send",
      title: type,
      channel,
      messages: [inChannel(message)],
    };
  }
  messages.error = reference("components", "messages", FrameType.error);
  operations[`${key}.error`] = {
    action: "send",
    title: FrameType.error,
    channel,
    messages: [inChannel("error")],
  };

  const parameters = parametersOf(
    path,
    params === undefined
      ? undefined
      : shared.add(toJsonSchema(params as Schema, `the parameters of ${path}`), `${key}.params`),
  );
  return {
    channel: {
      address: addressOf(path),
      title: path,
      ...(parameters && { parameters }),
      messages,
      bindings: { ws: { method: "GET", bindingVersion: "0.1.0" } },
      ...(machine && {
        "x-states": framesByState(
          machine,
          client.map(([type]) => type),
        ),
      }),
    },
    operations,
  };
}

function replyTo(
  type: string,
  frame: AskingFrame,
  write: (schema: Schema, what: string, message: string) => JsonSchema,
): AsyncApiMessage {
  const value = write(frame.reply, `the reply to the frame "${type}"`, `reply.${type}`);
  return {
    ...describe(FrameType.reply, value),
    title: `Reply to ${type}`,
    correlationId: reference("components", "correlationIds", "id"),
    payload: replySchema(value),
  };
}

function describe(type: string, { description }: JsonSchema) {
  return { name: type, title: type, ...(typeof description === "string" && { description }) };
}
