/**
 * Shows `items` as children of `parent`, each in an element that stays the same for as long as its key is there. What is
 * focused is not moved: the others are moved around it.
 *
 * @template Item
 * @template {{ readonly element: Element, show(item: Item): void }} Part
 * @param {Element} parent
 * @param {(item: Item) => string} keyOf
 * @param {(item: Item) => Part} make
 */
export function createKeyed(parent, keyOf, make) {
  /** @type {Map<string, Part>} */
  let parts = new Map();
  return {
    /** @param {string} key */
    get: (key) => parts.get(key),

    /** @param {Iterable<Item>} items of which no two have the same key */
    draw(items) {
      /** @type {Map<string, Part>} */
      const now = new Map();
      for (const item of items) {
        const key = keyOf(item);
        const part = parts.get(key) ?? make(item);
        now.set(key, part);
        part.show(item);
      }
      for (const [key, { element }] of parts) if (!now.has(key)) remove(element);
      parts = now;
      arrange(
        parent,
        [...now.values()].map(({ element }) => element),
      );
    },
  };
}

/**
 * A keyboard's reader is not sent back to the page's start when the focused row goes.
 *
 * @param {Element} element
 */
function remove(element) {
  const refuge = element.contains(document.activeElement) ? element.closest("[tabindex]") : null;
  element.remove();
  if (refuge instanceof HTMLElement) refuge.focus({ preventScroll: true });
}

/**
 * @param {Element} parent
 * @param {readonly Element[]} elements
 */
function arrange(parent, elements) {
  const focused = elements.findIndex((element) => element.contains(document.activeElement));
  const anchor = Math.max(0, focused);
  let next = elements[anchor];
  if (!next) return;
  if (next.parentElement !== parent) parent.append(next);
  for (const element of elements.slice(0, anchor).reverse()) {
    if (next.previousElementSibling !== element) next.before(element);
    next = element;
  }
  let last = /** @type {Element} */ (elements[anchor]);
  for (const element of elements.slice(anchor + 1)) {
    if (last.nextElementSibling !== element) last.after(element);
    last = element;
  }
}
