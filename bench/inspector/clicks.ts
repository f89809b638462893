import type { Page } from "playwright-core";
import { timeTo } from "./stopwatch.ts";

/** An action of a user. @param time counts the calls from 0 @returns milliseconds to its result */
type Click = (page: Page, time: number) => Promise<number>;

const text = (selector: string) => `document.querySelector(${JSON.stringify(selector)})?.textContent`;
/** An expression that is true if the shown list answers the last request. */
const isAnswered = 'document.querySelector("#actors .listing").ariaBusy === "false"';
const isOpened =
  '!document.querySelector("#actor").hidden && document.querySelector("#actor [data-fact=State]") !== null';
const chip = (name: string) =>
  `[...document.querySelectorAll("#actors .chip .name")].some(({ textContent }) => textContent === ${JSON.stringify(name)})`;

/** Lists all actors, newest first. */
async function listAll(page: Page): Promise<void> {
  await page.evaluate(`location.hash = "view=machines"`);
  await page.waitForFunction(
    `${isAnswered} && !document.querySelector("#actors").hidden && document.querySelector("#sort").value === "newest" &&
      document.querySelector("#actors .chip") === null && ${text("#actors [data-part=range]")}.startsWith("1–")`,
  );
}

const consumerNames = ["Visitor", "Waiter", "dancing"];
const stateNames = ["joined", "closing"];

export const clicks = {
  consumer(page, time) {
    const name = consumerNames[time % consumerNames.length] as string;
    const link = page
      .locator("#machines .consumers a")
      .filter({ has: page.locator(".name", { hasText: name }) });
    return timeTo(page, () => link.click(), `${isAnswered} && ${chip(name)}`);
  },
  async state(page, time) {
    const name = stateNames[time % stateNames.length] as string;
    const state = page.locator("#machines article").first().locator("button.state", { hasText: name });
    return timeTo(page, () => state.click(), `${isAnswered} && ${chip(name)}`);
  },
  async search(page, time) {
    if (time === 0) await listAll(page);
    const word = `hall-${time + 1}`;
    return timeTo(page, () => page.fill("#search", word), `${isAnswered} && ${chip(word)}`);
  },
  async next(page, time) {
    if (time === 0) await listAll(page);
    const first = `${(time + 1) * 50 + 1}–`.replace(/\B(?=(\d{3})+–)/, ",");
    return timeTo(
      page,
      () => page.click("#actors [data-part=next]"),
      `${isAnswered} && ${text("#actors [data-part=range]")}.startsWith("${first}")`,
    );
  },
  async sort(page) {
    await listAll(page);
    const isSorted = 'document.querySelector("#actors tbody a").hash.includes("sort=mailbox")';
    return timeTo(page, () => page.selectOption("#sort", "mailbox"), `${isAnswered} && ${isSorted}`);
  },
  async open(page) {
    await listAll(page);
    return timeTo(page, () => page.click("#actors tbody tr:first-child a.channel"), isOpened);
  },
  async back(page) {
    await listAll(page);
    await page.click("#actors tbody tr:first-child a.channel");
    await page.waitForFunction(isOpened);
    return timeTo(
      page,
      () => page.click("#actor .back"),
      `!document.querySelector("#actors").hidden && ${isAnswered}`,
    );
  },
} satisfies Record<string, Click>;

export type ClickName = keyof typeof clicks;
