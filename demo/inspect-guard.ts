import { createHash, timingSafeEqual } from "node:crypto";
import type { Guard } from "greenroom";
import { ownMachineGuard } from "greenroom/inspector";

/**
 * Guards `/inspect`. With a token, requests must contain the token. Without a token, requests must come from
 * this machine.
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

// Digests have equal lengths, which timingSafeEqual requires.
const digest = (text: string) => createHash("sha256").update(text).digest();
