import { randomBytes } from "node:crypto";

/** The version of the next snapshot of an actor: `<incarnation>-<n>`. @param version undefined for a new actor */
export function nextVersion(version: string | undefined): string {
  if (version === undefined) return `${randomBytes(6).toString("base64url")}-1`;
  const { incarnation, n } = readVersion(version);
  return `${incarnation}-${n + 1}`;
}

/**
 * The parts of the version of a snapshot: the incarnation is random for each life of an actor, and `n` counts the
 * commits. An incarnation may contain `-`.
 */
export function readVersion(version: string): { readonly incarnation: string; readonly n: number } {
  const at = version.lastIndexOf("-");
  return { incarnation: version.slice(0, at), n: Number(version.slice(at + 1)) };
}
