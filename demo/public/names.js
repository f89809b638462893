/**
 * The name that the page shows for a member. Removes control and format characters, which are invisible or
 * change the direction of text.
 *
 * @param {string} name
 */
export function shownName(name) {
  return name.replace(/\p{C}/gu, "").trim() || "(no name)";
}
