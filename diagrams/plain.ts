/** `value` as JSON has it; undefined where JSON cannot hold it as it is: functions, classes, cycles. */
export function plain(value: unknown): unknown {
  return isPlain(value, []) ? (JSON.parse(JSON.stringify(value)) as unknown) : undefined;
}

/** An object with only those of `entries` that are there. */
export function present<T extends object>(entries: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const kept = Object.entries(entries).filter(([, value]) => value !== undefined);
  return Object.fromEntries(kept) as { [K in keyof T]: Exclude<T[K], undefined> };
}

function isPlain(value: unknown, around: readonly unknown[]): boolean {
  if (value === null || typeof value === "string" || typeof value === "boolean") return true;
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object" || around.includes(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (!Array.isArray(value) && prototype !== Object.prototype && prototype !== null) return false;
  return Object.values(value).every((inner) => isPlain(inner, [...around, value]));
}
