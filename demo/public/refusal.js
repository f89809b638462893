/**
 * Shows next to `input` why the server has refused its text, until the text changes.
 *
 * @param {HTMLElement} element
 * @param {HTMLInputElement} input
 */
export function createRefusal(element, input) {
  /** @param {string} why empty for no refusal */
  const show = (why) => {
    element.textContent = why;
    input.ariaInvalid = why === "" ? null : "true";
  };
  input.setAttribute("aria-describedby", element.id);
  input.addEventListener("input", () => show(""));
  return { show };
}
