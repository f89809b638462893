/** Called when their element comes into view. @type {Map<Element, () => void>} */
const waiting = new Map();

// A strip at the edge of the window does not count: most of a panel that only shows its edge is still unseen.
const observer = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) if (isIntersecting) enter(target);
  },
  { rootMargin: "-10% 0px" },
);

/**
 * Calls `seen` once: when `element` is in view for the first time.
 *
 * @param {Element} element
 * @param {() => void} seen
 */
export function onceInView(element, seen) {
  waiting.set(element, seen);
  observer.observe(element);
}

/** @param {Element} element */
function enter(element) {
  observer.unobserve(element);
  waiting.get(element)?.();
  waiting.delete(element);
}
