/** The estimated bytes of memory of an object or array without values, and of each of its values. */
const containerBytes = 64;
const slotBytes = 16;

/**
 * Returns the bytes of memory that a decoded value takes, estimated. They can be 60 times the encoded bytes: an
 * empty map takes 1 byte in a message.
 */
export function memoryOf(value: unknown): number {
  if (typeof value === "string") return containerBytes + 2 * value.length;
  if (typeof value !== "object" || value === null) return slotBytes;
  if (ArrayBuffer.isView(value)) return 2 * containerBytes + value.byteLength;
  let bytes = containerBytes;
  if (Array.isArray(value)) for (const item of value) bytes += slotBytes + memoryOf(item);
  else for (const [key, item] of Object.entries(value)) bytes += slotBytes + 2 * key.length + memoryOf(item);
  return bytes;
}
