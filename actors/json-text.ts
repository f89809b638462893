/** What was made of values that cannot change any more; nothing yet of frozen ones that came once. */
const texts = new WeakMap<object, string | undefined>();

/**
 * `value` as JSON. Where it cannot change, as a message that a layer has delivered, that is done once for all who send it.
 *
 * @throws {TypeError} if JSON cannot hold it: `undefined`, a function, a BigInt, a cycle.
 */
export function jsonText(value: unknown): string {
  if (typeof value !== "object" || value === null || !Object.isFrozen(value)) return stringify(value);
  const known = texts.get(value);
  if (known !== undefined) return known;
  const text = stringify(value);
  // To find out whether it can change takes longer than to write it: that pays for those that come again.
  if (!texts.has(value)) texts.set(value, undefined);
  else if (cannotChange(value)) texts.set(value, text);
  return text;
}

function stringify(value: unknown): string {
  const text: string | undefined = JSON.stringify(value);
  if (text === undefined) throw new TypeError(`JSON cannot hold a value of type ${typeof value}.`);
  return text;
}

/** Whether JSON would say the same of `value` at any later time: frozen to its last leaf, and nothing in it computed. */
function cannotChange(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return typeof value !== "function";
  if (!Object.isFrozen(value) || !isPlain(value)) return false;
  return Object.values(Object.getOwnPropertyDescriptors(value)).every(
    (property) => "value" in property && cannotChange(property.value),
  );
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === Array.prototype || prototype === null;
}
