/**
 * Shows each item as a child of `parent`. Each key keeps its element from one `draw` to the next. The element
 * with the focus is not moved, because moving it would end the focus. Instead, the other elements are moved
 * around it.
 *
 * @template Item
 * @param {Element} parent
 * @param {(item: Item) => string} keyOf
 * @param {(item: Item) => { readonly element: Element, show(item: Item): void }} make
 */
export function createKeyed(parent, keyOf, make) {
  /** @type {Map<string, ReturnType<typeof make>>} */
  let parts = new Map();
  return {
    /** @param {string} key */
    elementOf: (key) => parts.get(key)?.element,

    /** @param {Iterable<Item>} items with unique keys */
    draw(items) {
      /** @type {typeof parts} */
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
        Array.from(now.values(), ({ element }) => element),
      );
    },
  };
}

/** Removes an element. If it has the focus, the list gets the focus. @param {Element} element */
function remove(element) {
  const refuge = element.contains(document.activeElement) ? element.closest("[tabindex]") : null;
  element.remove();
  if (refuge instanceof HTMLElement) refuge.focus({ preventScroll: true });
}

/** @param {Element} parent @param {readonly Element[]} elements */
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
