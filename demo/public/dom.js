/**
 * @template {Element} E
 * @param {ParentNode} root
 * @param {string} selector
 * @param {abstract new (...args: never[]) => E} type
 * @returns {E}
 * @throws if the page has no such element
 */
export function find(root, selector, type) {
  const element = root.querySelector(selector);
  if (element instanceof type) return element;
  throw new Error(`The page has no ${type.name} at "${selector}".`);
}

/**
 * Enables or disables a button with `aria-disabled`. The attribute `disabled` would remove the focus.
 *
 * @param {HTMLButtonElement} button
 * @param {boolean} enabled
 */
export function enable(button, enabled) {
  button.setAttribute("aria-disabled", String(!enabled));
}
