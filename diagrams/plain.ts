/** A copy of `value`; undefined if JSON cannot represent it, for example a function or a cycle. */
export function plain(value: unknown): unknown {
  return isPlain(value, []) ? (JSON.parse(JSON.stringify(value)) as unknown) : undefined;
}

type OptionalKeys<T> = { [K in keyof T]: undefined extends T[K] ? K : never }[keyof T];

/** A copy of an object without its undefined properties. */
export function defined<T extends object>(
  object: T,
): Omit<T, OptionalKeys<T>> & { [K in OptionalKeys<T>]?: Exclude<T[K], undefined> } {
  const kept = Object.entries(object).filter(([, value]) => value !== undefined);
  return Object.fromEntries(kept) as ReturnType<typeof defined<T>>;
}

function isPlain(value: unknown, ancestors: readonly unknown[]): boolean {
  if (value === null || typeof value === "string" || typeof value === "boolean") return true;
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object" || ancestors.includes(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (!Array.isArray(value) && prototype !== Object.prototype && prototype !== null) return false;
  return Object.values(value).every((inner) => isPlain(inner, [...ancestors, value]));
}
