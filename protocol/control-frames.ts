/** The first character of each control frame. JSON never begins with it. */
export const mark = "\u0001";

/** The number of frames of a client that may wait for an `ack`, at most. Below `frameHighWaterMark`. */
export const maxWindow = 64;

/** A control frame of the server. `docs/reference/protocol.md` describes each of them. */
export type ServerControl =
  | {
      readonly c: "hello";
      /** `<node>.<256 random bits>`. Absent if the consumer refuses sessions. */
      readonly session?: string;
      readonly resumeMs: number;
      readonly maxBytes: number;
      readonly maxPayload: number;
      readonly window: number;
      readonly beatMs: number;
      /** The subprotocol that the consumer chose. */
      readonly protocol?: string;
    }
  | { readonly c: "resumed"; readonly received: number; readonly done: number; readonly from: number }
  | {
      readonly c: "gone";
      readonly code: number;
      readonly reason: string;
      readonly missed?: number;
      readonly done?: number;
    }
  | { readonly c: "ack"; readonly n: number }
  | { readonly c: "skip"; readonly n: number }
  | { readonly c: "gap"; readonly group?: string; readonly missed?: number; readonly fresh: boolean }
  | {
      readonly c: "joined" | "left";
      readonly group: string;
      readonly epoch: string;
      /** The client takes it as its mark: it has, or does not get, the messages of the group up to this offset. */
      readonly at: number;
    }
  | { readonly c: "ticket"; readonly value: string }
  | { readonly c: "renew"; readonly inMs: number }
  | { readonly c: "beat" }
  | { readonly c: "bye"; readonly code: number; readonly reason: string; readonly after: number | null };

/** A control frame of the client. */
export type ClientControl =
  | { readonly c: "resume"; readonly session: string; readonly try: number; readonly got: number }
  | { readonly c: "since"; readonly ticket: string; readonly marks: Readonly<Record<string, number>> }
  | { readonly c: "ack"; readonly n: number }
  | { readonly c: "beat" }
  | { readonly c: "renew"; readonly token: string }
  | { readonly c: "bye" };

/** The text of a control frame. */
export const controlText = (frame: ServerControl | ClientControl): string => mark + JSON.stringify(frame);

/** Whether `text` is a control frame: it begins with one mark. A text with two marks is an escaped text. */
export const isControl = (text: string): boolean => text[0] === mark && text[1] !== mark;

/** The wire form of an application's text. A text that begins with the mark gets one more. */
export const escapeText = (text: string): string => (text[0] === mark ? mark + text : text);

/** The application's text of a wire text that is not a control frame. */
export const unescapeText = (text: string): string => (text[0] === mark ? text.slice(1) : text);

/** A control frame whose fields are not checked. */
export type ControlFields = Readonly<Record<string, unknown>> & { readonly c: string };

/**
 * Parses a control frame. Its fields are not checked.
 * @returns undefined if `text` is malformed: the frame is not JSON, or has no name.
 */
export function readControl(text: string): ControlFields | undefined {
  try {
    const frame: unknown = JSON.parse(text.slice(1));
    if (typeof (frame as { readonly c?: unknown } | null)?.c === "string") return frame as ControlFields;
  } catch {}
  return undefined;
}
