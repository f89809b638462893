import { createHash, timingSafeEqual } from "node:crypto";
import type { Guard } from "greenroom";
import { ownMachineGuard } from "greenroom/inspector";

/**
 * Guards `/inspect`: with a token, the request must contain it; without one, it must come from this machine.
 */
export function inspectGuard(token: string | undefined): Guard {
  if (token === undefined) return ownMachineGuard;
  const expected = digest(token);
  return ({ query }) =>
    timingSafeEqual(digest(query.get("token") ?? ""), expected)
      ? undefined
      : {
          status: 403,
          reason: "Open /inspect?token=… with the INSPECT_TOKEN that the demo was started with",
        };
}

// timingSafeEqual needs equal lengths.
const digest = (text: string) => createHash("sha256").update(text).digest();
