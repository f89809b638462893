/**
 * @template {Element} E
 * @param {ParentNode} root
 * @param {string} selector
 * @param {abstract new (...args: never[]) => E} type
 * @returns {E}
 * @throws if the page has no such element: its markup and its modules belong together
 */
export function find(root, selector, type) {
  const element = root.querySelector(selector);
  if (element instanceof type) return element;
  throw new Error(`The page lacks a ${type.name} at "${selector}".`);
}

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {string} [className]
 * @param {...(Node | string)} children strings become text, never markup
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function create(tag, className = "", ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

/**
 * Leaves the text alone where it is that already, so that nothing is drawn anew and no selection is lost.
 *
 * @param {Element} element
 * @param {string} text
 */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Writes what somebody else has named: the whole of it is in the tooltip where it may be clipped, and its direction is its own.
 *
 * @param {HTMLElement} element
 * @param {string} text
 */
export function writeName(element, text) {
  write(element, text);
  const title = text.length > 12 ? text : "";
  if (element.title !== title) element.title = title;
}

/**
 * A name among other text, isolated from it.
 *
 * @param {string} text
 * @param {string} [className]
 */
export function createName(text, className) {
  const element = create("bdi", className);
  writeName(element, text);
  return element;
}
