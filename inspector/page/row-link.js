/** Controls in a row, which have clicks of their own. */
const controls = "a, button, input, select, summary";

/**
 * Makes a click anywhere in `row` follow `link`, also one with a key that opens a tab. The link stays the only stop for
 * the keyboard. A click that selects text does not follow it.
 *
 * @param {HTMLElement} row
 * @param {HTMLAnchorElement} link
 */
export function followOnClick(row, link) {
  row.classList.add("opens");
  row.addEventListener("click", (event) => {
    if (event.target instanceof Element && event.target.closest(controls)) return;
    if (getSelection()?.type === "Range") return;
    const { ctrlKey, metaKey, shiftKey, altKey } = event;
    // The browser does for the link what it does for a click on it: it may open a tab or a window.
    link.dispatchEvent(new MouseEvent("click", { ctrlKey, metaKey, shiftKey, altKey, cancelable: true }));
  });
}
