/**
 * Undefined if `text` is not an absolute URL.
 *
 * Not `URL.canParse`: in Node 20 and 22 it takes URLs with letters such as "ü" for invalid once V8 has optimized its
 * caller, after some thousand calls.
 */
export function parseUrl(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}
