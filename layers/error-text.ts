const unshowable = "an error that cannot be shown";

/** What an error says, whatever was thrown: this never throws itself. */
export function textOf(error: unknown): string {
  try {
    const text: unknown = error instanceof Error ? error.message : String(error);
    return typeof text === "string" ? text : String(text);
  } catch {
    return unshowable;
  }
}

/** Where an error comes from, if it says so. */
export function stackOf(error: unknown): string | undefined {
  try {
    const stack: unknown = error instanceof Error ? error.stack : undefined;
    return typeof stack === "string" ? stack : undefined;
  } catch {
    return undefined;
  }
}
