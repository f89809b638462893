import type { Page } from "playwright-core";

/** Events of the user, not of scripts, at which the time starts. */
const begins = ["click", "input", "change"];

/**
 * Measures in the page the milliseconds from an action to the end of the frame that shows its result. Checks
 * the page after each change of it.
 *
 * @param act performs the action like a user
 * @param shows a JavaScript expression that is true when the result is visible
 */
export async function timeTo(page: Page, act: () => Promise<unknown>, shows: string): Promise<number> {
  const shown = page.evaluate<number>(watch(shows));
  // The reply shows that the page runs the script above.
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
      // The page changes in frame callbacks. A message posted there arrives after the frame is committed.
      port1.onmessage = () => resolve(performance.now() - begun);
      port2.postMessage(undefined);
    });
    observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
  })`;
