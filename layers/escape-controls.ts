/** Control characters, line separators, and the marks and overrides that change the direction of text. */
const controls = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

/**
 * Replaces the characters that a terminal obeys instead of showing, and those that begin a line or reorder it, with
 * their escapes, such as `\u001b`. A log line with the text of a client then shows this text, and does nothing else.
 * JSON stays JSON of the same value if its own layout has none of these characters.
 *
 * @example
 * ```ts
 * console.log(`The client left: ${escapeControls(reason)}`);
 * ```
 */
export function escapeControls(text: string): string {
  return text.replace(controls, escapeOf);
}

/** Escapes as {@link escapeControls} does, except for the line breaks. */
export function escapeLines(text: string): string {
  return text.split("\n").map(escapeControls).join("\n");
}

const escapeOf = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
