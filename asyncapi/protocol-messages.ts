import { errorCodes, FrameType } from "../contract/index.ts";
import type { AsyncApiMessage, JsonSchema } from "./document.ts";

/** The id of a frame that asks. */
export const idSchema: JsonSchema = {
  type: ["string", "number"],
  maxLength: 100,
  description: "Identifies the frame in its reply. A frame without an id is handled, and gets no reply.",
};

/** The id in a reply or an error. */
const answeredId: JsonSchema = {
  type: ["string", "number"],
  description: "The id of the frame that asked.",
};

/** Relates a reply, or an error, to its frame. */
export const correlationId = {
  description: "The id of a frame that asks, which its reply and its error repeat.",
  location: "$message.payload#/id",
} as const;

/** The envelope of the frame of `type`. */
export const envelopeOf = (type: string, asks: boolean) => ({
  properties: { type: { const: type }, ...(asks && { id: idSchema }) },
  required: ["type"],
});

/** The schema of the reply with a `value`. */
export const replySchema = (value: JsonSchema): JsonSchema => ({
  type: "object",
  properties: { type: { const: FrameType.reply }, id: answeredId, value },
  required: ["type", "id", "value"],
});

/** The answer to a frame that was refused, or whose handler failed. */
export const errorMessage: AsyncApiMessage = {
  name: FrameType.error,
  title: FrameType.error,
  description: "The answer to a frame that was refused, or whose handler failed. The connection stays open.",
  payload: {
    type: "object",
    properties: {
      type: { const: FrameType.error },
      id: answeredId,
      code: {
        type: "string",
        examples: errorCodes,
        description:
          "A code of the protocol, which begins with `greenroom.`, or a code of the application, which does not.",
      },
      message: { type: "string" },
      issues: {
        type: "array",
        maxItems: 20,
        description: "Only with `greenroom.invalid`: the parts of the payload that do not fit.",
        items: {
          type: "object",
          properties: {
            path: { type: "array", items: { type: ["string", "number"] } },
            message: { type: "string" },
          },
          required: ["path", "message"],
        },
      },
      expected: {
        type: "array",
        items: { type: "string" },
        description:
          "The types of the frames that the server takes now. A `*` at the end stands for any text.",
      },
      data: { description: "Only with a code of the application: what the server adds." },
    },
    required: ["type", "code", "message"],
  },
};
