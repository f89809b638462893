/** A client's frame as a machine's event. */
export interface FrameEvent {
  readonly type: `frame.${string}`;
  readonly frame: { readonly type: string; readonly [key: string]: unknown };
}

/** What a type may look like: neither a wildcard nor endless. */
const typePattern = /^[A-Za-z0-9_.-]{1,99}$/;

/** The event for a text frame; nothing for what is no JSON object with a `type` of 1 to 99 letters, digits, `-`, `_`, `.`. */
export function readFrame(text: string): FrameEvent | undefined {
  let frame: unknown;
  try {
    frame = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof frame !== "object" || frame === null || !Object.hasOwn(frame, "type")) return undefined;
  const { type } = frame as { readonly type: unknown };
  if (typeof type !== "string" || !typePattern.test(type)) return undefined;
  return { type: `frame.${type}`, frame: frame as FrameEvent["frame"] };
}
