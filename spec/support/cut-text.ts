import type { Page } from "playwright-core";

/**
 * The texts of a page that the user cannot read: an ancestor that does not scroll cuts them off, without an ellipsis and a
 * title that has the whole text.
 */
export function cutText(page: Page): Promise<string[]> {
  return page.evaluate(findCutText);
}

const findCutText = `(() => {
  const cut = new Set();
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode;
    const parent = text.parentElement;
    if (!text.data.trim() || !parent.checkVisibility() || parent.closest(".unseen, .skip, svg, script")) continue;
    const range = document.createRange();
    range.selectNodeContents(text);
    let { left, right, top, bottom } = range.getBoundingClientRect();
    for (let box = parent; box !== document.body; box = box.parentElement) {
      const { display, overflowX, overflowY, textOverflow } = getComputedStyle(box);
      if (display === "inline" || overflowX === "visible") continue;
      if (overflowX === "auto" || overflowY === "auto") break;
      const limits = box.getBoundingClientRect();
      const isCut =
        left < limits.left - 1 || right > limits.right + 1 || top < limits.top - 1 || bottom > limits.bottom + 1;
      const isTold = textOverflow === "ellipsis" && parent.closest("[title]");
      if (isCut && !isTold) cut.add(box.outerHTML.slice(0, 60) + ": " + text.data.slice(0, 40));
      left = Math.max(left, limits.left);
      right = Math.min(right, limits.right);
      top = Math.max(top, limits.top);
      bottom = Math.min(bottom, limits.bottom);
    }
  }
  return [...cut];
})()`;
