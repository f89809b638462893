import type { FrameId } from "../contract/index.ts";
import { typePattern } from "../contract/protocol.ts";
import { FrameRefusal } from "./frame-refusal.ts";
import { parseJson } from "./parse-json.ts";

/** A client's frame: a JSON object with a valid `type`. Its other properties are unchecked input of the client. */
export interface ClientFrame {
  readonly type: string;
  readonly [key: string]: unknown;
}

const maxIdLength = 100;

/** Parses a client's text frame. A number that is too large for a double is an error, as in {@link parseJson}. */
export function parseFrame(text: string): ClientFrame | FrameRefusal {
  let frame: unknown;
  try {
    frame = parseJson(text);
  } catch (error) {
    return new FrameRefusal("greenroom.bad_json", `The frame is not JSON: ${(error as SyntaxError).message}`);
  }
  const isObject = typeof frame === "object" && frame !== null && Object.hasOwn(frame, "type");
  const type: unknown = isObject ? (frame as { readonly type?: unknown }).type : undefined;
  if (typeof type === "string" && typePattern.test(type)) return frame as ClientFrame;
  return new FrameRefusal(
    "greenroom.bad_frame",
    "A frame must be a JSON object with a type of 1 to 99 letters, digits, '-', '_' and '.'.",
  );
}

/** The frame's id; undefined if it has none, or one that is not allowed. */
export function idOf(frame: ClientFrame): FrameId | undefined {
  return Object.hasOwn(frame, "id") ? asFrameId(frame.id) : undefined;
}

/** Returns `id` if a frame may have this id; otherwise undefined. */
export function asFrameId(id: unknown): FrameId | undefined {
  return (typeof id === "string" && id.length <= maxIdLength) || typeof id === "number" ? id : undefined;
}
