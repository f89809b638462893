/**
 * @template {Element} E
 * @param {ParentNode} root @param {string} selector @param {abstract new (...args: never[]) => E} type
 * @returns {E}
 */
export function find(root, selector, type) {
  const element = root.querySelector(selector);
  if (element instanceof type) return element;
  throw new Error(`The page has no ${type.name} that matches "${selector}".`);
}

/** @param {ParentNode} root @param {string} name the element's `data-part` */
export const findPart = (root, name) => find(root, `[data-part="${name}"]`, HTMLElement);

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag @param {string} [className] @param {...(Node | string)} children as text, never as markup
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function create(tag, className = "", ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

/** Sets the text only if it differs, to keep the selection. @param {Element} element @param {string} text */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * @param {Element} element
 * @param {string} name
 * @param {string | null} value `null` removes the attribute
 */
export function setAttribute(element, name, value) {
  if (element.getAttribute(name) === value) return;
  if (value === null) element.removeAttribute(name);
  else element.setAttribute(name, value);
}

/** Writes a name, with a tooltip if it may be clipped. @param {HTMLElement} element @param {string} text */
export function writeName(element, text) {
  write(element, text);
  const title = text.length > 4 ? text : "";
  if (element.title !== title) element.title = title;
}

/** An element for a name, with its own text direction. @param {string} text @param {string} [className] */
export function createName(text, className) {
  const element = create("bdi", className);
  writeName(element, text);
  return element;
}
