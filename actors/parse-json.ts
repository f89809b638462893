/**
 * Parses JSON text. A number that is too large for a double, such as `1e999`, is an error, because
 * `JSON.parse` returns `Infinity` for it. JSON cannot hold this value, so sending it to others would fail.
 *
 * @throws {SyntaxError} if `text` is not JSON, or holds such a number.
 */
export function parseJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  if ((largeExponent.test(text) || hasLongNumber(text)) && hasInfinity(value))
    throw new SyntaxError("A number is too large");
  return value;
}

/** A number overflows only if it has an exponent of two digits, or 300 digits in a row. */
const largeExponent = /\d[eE]\+?\d\d/;

/** Whether `text` may have 300 digits in a row. Three of them would have an index that is a multiple of 100. */
function hasLongNumber(text: string): boolean {
  let digits = 0;
  for (let index = 0; index < text.length; index += 100) {
    const code = text.charCodeAt(index);
    digits = code >= 0x30 && code <= 0x39 ? digits + 1 : 0;
    if (digits === 3) return true;
  }
  return false;
}

/** Whether a part of `value` is infinite. Does not recurse, because the client chooses the depth. */
function hasInfinity(value: unknown): boolean {
  const waiting = [value];
  while (waiting.length > 0) {
    const next = waiting.pop();
    if (next === Number.POSITIVE_INFINITY || next === Number.NEGATIVE_INFINITY) return true;
    if (typeof next === "object" && next !== null) for (const part of Object.values(next)) waiting.push(part);
  }
  return false;
}
