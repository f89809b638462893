/**
 * Whether a handler rejects because it heeds its signal: what was asked of it is no failure. Node's own functions reject with an
 * `AbortError` of their own, `fetch` with the signal's reason.
 */
export function isAbort(error: unknown, { aborted, reason }: AbortSignal): boolean {
  return aborted && (error === reason || (error instanceof Error && error.name === "AbortError"));
}
