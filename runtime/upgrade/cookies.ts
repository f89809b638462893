import { parseCookie } from "cookie";
import type { Scope } from "../../actors/index.ts";
import { noCookies } from "../actor/spawned-scope.ts";

/** At most this many characters of the header are read: the size that Node accepts for all headers by default. */
const maxLength = 16_384;
/** At most this many cookies are read. RFC 6265 asks browsers to store at least 50 for each domain. */
const maxCookies = 256;

/**
 * Parses the header `Cookie`. Never throws: a value with a malformed escape is kept as it is, and a part without `=` is
 * left out. The first of several cookies with one name counts. The object has no prototype.
 */
export function parseCookies(header: string | undefined): Scope["cookies"] {
  return header === undefined ? noCookies : Object.freeze(parseCookie(bounded(header)));
}

/** The first cookies of `header`, up to the limits. A cookie that is cut off is left out. */
function bounded(header: string): string {
  const cookies = header.slice(0, maxLength).split(";");
  if (header.length > maxLength && header[maxLength] !== ";") cookies.pop();
  return cookies.slice(0, maxCookies).join(";");
}
