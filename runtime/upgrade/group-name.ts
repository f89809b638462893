const longest = 90;

/**
 * A check for path parameters that become part of a group's name: `{ params: { room_name: groupName } }`. It lets
 * through 1 to 90 ASCII letters, digits, `-`, `_` and `.`, which leaves 9 characters for a prefix such as `room_`.
 */
export function groupName(value: string): string | undefined {
  if (value.length > longest) return `It has ${value.length} characters; ${longest} are the most`;
  if (/^[A-Za-z0-9._-]+$/.test(value)) return undefined;
  return "It may hold the letters A–Z and a–z, digits, '-', '_' and '.', and nothing else";
}
