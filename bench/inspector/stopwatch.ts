import type { Page } from "playwright-core";

/** What happens in the page for it, and nothing that a script does: so it begins when the browser has noticed the reader. */
const begins = ["click", "input", "change"];

/**
 * Measures in the page how long something takes: from what the reader did to the end of the frame in which it shows. Whether
 * it does is looked at whenever the page has changed.
 *
 * @param act does it, as a reader would
 * @param shows an expression for whether it shows
 * @returns milliseconds
 */
export async function timeTo(page: Page, act: () => Promise<unknown>, shows: string): Promise<number> {
  const shown = page.evaluate<number>(watch(shows));
  // Once that is answered, the page watches.
  await page.evaluate("document.readyState");
  await act();
  return shown;
}

const watch = (shows: string) => `new Promise((resolve) => {
    let begun;
    const begin = ({ timeStamp }) => { begun ??= timeStamp; };
    for (const type of ${JSON.stringify(begins)}) addEventListener(type, begin, { capture: true });
    const { port1, port2 } = new MessageChannel();
    const observer = new MutationObserver(() => {
      if (begun === undefined || !(${shows})) return;
      observer.disconnect();
      for (const type of ${JSON.stringify(begins)}) removeEventListener(type, begin, { capture: true });
      // The page changes in the callbacks of a frame: what is posted there comes when that is on its way to the screen.
      port1.onmessage = () => resolve(performance.now() - begun);
      port2.postMessage(undefined);
    });
    observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
  })`;
