/**
 * The text that tells users apart, for the resume of a session: the key that a guard gave, or the `id` of the user, or
 * the user as JSON.
 * @returns undefined if the user has none of them. Such a user cannot resume a session.
 */
export function userKeyOf(user: unknown, given: string | null | undefined): string | undefined {
  if (given !== undefined && given !== null) return given;
  const id = (user as { readonly id?: unknown } | null | undefined)?.id;
  if (typeof id === "string" || typeof id === "number" || typeof id === "bigint") return `${id}`;
  try {
    return JSON.stringify(user) ?? "";
  } catch {
    return undefined;
  }
}
