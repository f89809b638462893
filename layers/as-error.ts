/** What was thrown, as an error: whoever is told of failures need not ask what they are. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
