import { createHash } from "node:crypto";
import { maxNamePart, namePartPattern } from "./names.ts";

const hashLength = 32;
const readableLength = maxNamePart - hashLength - 1;
/** The form of the names that hold a hash. A text of this form is hashed, too, so that it gets no name of another. */
const hashed = /\.[0-9a-f]{32}$/;

/**
 * Returns a name for a group of `text`: a title, a path, an address, in any language and of any length. The name has
 * at most 90 ASCII letters, digits, `-`, `_` and `.`, so {@link groupName} accepts it, and 9 characters remain for a
 * prefix.
 *
 * A text that is such a name already stays as it is, unless it ends in a dot and 32 hexadecimal digits. In any other
 * text, each run of other characters becomes one `_`, the result is cut to 57 characters, and a dot follows, and the
 * first 32 hexadecimal digits of the SHA-256 of the text in UTF-16 (little-endian). So two texts have one name only if
 * 128 bits of their hashes are equal. Two spellings of one text, such as `é` as one character or as two, have two
 * names: normalise the text first if they are the same for you.
 *
 * The algorithm does not change in later versions, so names may be stored, and computed by other programs.
 *
 * @throws {TypeError} if `text` is not a string.
 *
 * @example
 * safeGroupName("lobby"); // "lobby"
 * safeGroupName("Käse & Brot"); // "K_se_Brot.d4d87102606c2d341c079dc6fe94d77d"
 * await this.groupAdd(`topic_${safeGroupName(topic)}`);
 */
export function safeGroupName(text: string): string {
  if (typeof text !== "string") throw new TypeError("safeGroupName(text) needs a string.");
  if (text.length <= maxNamePart && namePartPattern.test(text) && !hashed.test(text)) return text;
  const readable = text.replace(/[^A-Za-z0-9._-]+/g, "_").slice(0, readableLength);
  // UTF-16 tells all strings apart; UTF-8 has one form for all lone surrogates.
  const hash = createHash("sha256").update(text, "utf16le").digest("hex").slice(0, hashLength);
  return `${readable}.${hash}`;
}
