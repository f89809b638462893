import { controlText, maxWindow } from "../../protocol/control-frames.ts";
import type { Limits } from "../limits/limits.ts";
import type { SessionIdentity } from "./sessions.ts";

export type HelloLimits = Pick<Limits, "frameHighWaterMark" | "maxPayload" | "pingIntervalMs">;

/** The first control frame of a session. @param protocol the subprotocol that the consumer chose. */
export function helloText(
  { id, settings }: SessionIdentity,
  { frameHighWaterMark, maxPayload, pingIntervalMs }: HelloLimits,
  protocol: string | undefined,
): string {
  return controlText({
    c: "hello",
    ...(settings !== undefined && { session: id }),
    resumeMs: settings?.resumeMs ?? 0,
    maxBytes: settings?.maxBytes ?? 0,
    maxPayload,
    window: Math.min(maxWindow, frameHighWaterMark),
    beatMs: pingIntervalMs,
    ...(protocol !== undefined && { protocol }),
  });
}
