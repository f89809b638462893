/**
 * Corrects the elements that the keyboard reaches, on each page that is shown:
 *
 * - It reaches each table and diagram that is wider than its page, and only these.
 * - It reaches a group of the sidebar once. VitePress puts a second button into the button of a group.
 *
 * Does nothing while the pages are built.
 */
export function correctFocus(): void {
  if (typeof document === "undefined") return;
  const sizes = new ResizeObserver((entries) => {
    for (const { target } of entries) updateScrolling(target);
  });
  const observed = new WeakSet<Element>();
  new MutationObserver(() => {
    for (const caret of document.querySelectorAll('.VPSidebarItem > [role="button"] > .caret[role]')) {
      for (const name of ["role", "tabindex", "aria-label"]) caret.removeAttribute(name);
    }
    for (const element of document.querySelectorAll(".scrolling")) {
      if (observed.has(element)) continue;
      observed.add(element);
      sizes.observe(element);
    }
  }).observe(document, { childList: true, subtree: true });
}

function updateScrolling(element: Element): void {
  if (element.scrollWidth <= element.clientWidth) element.removeAttribute("tabindex");
  else element.setAttribute("tabindex", "0");
}
