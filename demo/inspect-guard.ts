import { createHash, timingSafeEqual } from "node:crypto";
import type { Guard } from "greenroom";
import { ownMachineGuard } from "greenroom/inspector";

/** Who may look at `/inspect`: with a token, whoever has it; without, those on the same machine. */
export function inspectGuard(token: string | undefined): Guard {
  if (token === undefined) return ownMachineGuard;
  const expected = digest(token);
  return ({ query }) =>
    timingSafeEqual(digest(query.get("token") ?? ""), expected)
      ? undefined
      : {
          status: 403,
          reason: "Ask for /inspect?token=… with the INSPECT_TOKEN that the demo was started with",
        };
}

// Of one length, whatever was given.
const digest = (text: string) => createHash("sha256").update(text).digest();
