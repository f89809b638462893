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

/** The element with this `data-part`. @param {ParentNode} root @param {string} name */
export const findPart = (root, name) => find(root, `[data-part="${name}"]`, HTMLElement);

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

/** Keeps a selection if the text is the same. @param {Element} element @param {string} text */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Sets an attribute, unless it is the same; `null` removes it.
 *
 * @param {Element} element
 * @param {string} name
 * @param {string | null} value
 */
export function setAttribute(element, name, value) {
  if (element.getAttribute(name) === value) return;
  if (value === null) element.removeAttribute(name);
  else element.setAttribute(name, value);
}

/** Adds a tooltip to a name that may be clipped. @param {HTMLElement} element @param {string} text */
export function writeName(element, text) {
  write(element, text);
  const title = text.length > 12 ? text : "";
  if (element.title !== title) element.title = title;
}

/** A name in a text, whose direction is isolated from it. @param {string} text @param {string} [className] */
export function createName(text, className) {
  const element = create("bdi", className);
  writeName(element, text);
  return element;
}
