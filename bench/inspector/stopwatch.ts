import type { Page } from "playwright-core";

/** The events of a user's action. The first of them starts the time. */
const begins = ["click", "input", "change"];

/**
 * Measures the milliseconds from an action to the end of the frame that shows the action's result. The
 * measuring code runs in the page, and checks for the result after each change of the page.
 *
 * @param act performs the action like a user
 * @param shows a JavaScript expression that is true when the result is visible
 */
export async function timeTo(page: Page, act: () => Promise<unknown>, shows: string): Promise<number> {
  const shown = page.evaluate<number>(watch(shows));
  // The reply to this expression proves that the page runs the measuring code already.
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
      // The page changes in a frame callback. A message posted in the callback arrives after the frame's end.
      port1.onmessage = () => resolve(performance.now() - begun);
      port2.postMessage(undefined);
    });
    observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
  })`;
