import { inspect } from "node:util";
import { CloseError } from "../errors.ts";

/** The maximum number of bytes of a reason. */
export const maxReasonBytes = 123;

// Codes of RFC 6455 (7.4) without 1004 (reserved), 1010 (clients only), and 1005, 1006, 1015 (never sent).
const registered = new Set([1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011, 1012, 1013, 1014]);

/** @throws {CloseError} if a close frame cannot hold the code or the reason. */
export function checkCloseFrame(code: unknown, reason: unknown): void {
  const legal =
    typeof code === "number" &&
    (registered.has(code) || (Number.isInteger(code) && code >= 3000 && code <= 4999));
  if (!legal) {
    const shown = inspect(code, { depth: 0, maxStringLength: 40 });
    throw new CloseError(
      `A connection cannot be closed with code ${shown}: use 1000, a code of your own from 3000 to 4999, ` +
        `or one of ${[...registered].slice(1).join(", ")}.`,
    );
  }
  if (typeof reason !== "string") {
    throw new CloseError(
      `The close reason must be a string, not ${reason === null ? "null" : typeof reason}.`,
    );
  }
  const bytes = Buffer.byteLength(reason);
  if (bytes > maxReasonBytes) {
    throw new CloseError(`The close reason has ${bytes} bytes; the limit is ${maxReasonBytes}.`);
  }
}
