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
