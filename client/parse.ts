/** The value of a JSON text. Undefined if `data` is not JSON. */
export function parse(data: string | Uint8Array): unknown {
  try {
    return JSON.parse(data as string);
  } catch {
    return undefined;
  }
}
