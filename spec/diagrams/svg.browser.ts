import { expect } from "chai";
import { toSvg } from "greenroom/visualise";
import type { Browser } from "playwright-core";
import { launchBrowser } from "../support/browser.ts";
import { hostileNames, machines } from "./machines.ts";

describe("toSvg", function () {
  this.timeout(60_000);
  let browser: Browser;

  before(async () => {
    browser = await launchBrowser();
  });
  after(() => browser.close());

  it("shows names with special characters as text", async () => {
    const page = await browser.newPage();
    const svg = await toSvg(machines.hostile as never);
    await page.goto(`data:image/svg+xml;base64,${Buffer.from(svg).toString("base64")}`);
    const root = page.locator("svg");
    expect(await page.locator("script, img, image, a, [onerror], parsererror").count()).to.equal(0);
    const bare = (value: string) => value.replace(/\s+/g, "");
    const text = bare((await root.textContent()) ?? "");
    for (const name of hostileNames) {
      const shown = bare(name.replaceAll("\n", "↵"));
      expect(text.split(shown).length - 1, name).to.be.at.least(4);
    }
  });

  it("uses dark colours if the user prefers them", async () => {
    const svg = await toSvg(machines.connection as never);
    const inks = [];
    for (const colorScheme of ["light", "dark"] as const) {
      const page = await browser.newPage({ colorScheme });
      await page.goto(`data:image/svg+xml;base64,${Buffer.from(svg).toString("base64")}`);
      inks.push(await page.evaluate("getComputedStyle(document.querySelector('text')).fill"));
    }
    expect(inks).to.deep.equal(["rgb(31, 35, 40)", "rgb(230, 237, 243)"]);
  });
});
