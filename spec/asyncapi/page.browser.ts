import { expect } from "chai";
import { asyncApi } from "greenroom/asyncapi";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { createMachine } from "xstate";
import { pageOf } from "../../asyncapi/page.ts";
import { violations } from "../support/axe.ts";
import { launchBrowser } from "../support/browser.ts";
import { auction, room, withArktype, withValibot } from "./contracts.ts";

const machine = createMachine({
  initial: "idle",
  states: { idle: { on: { "frame.open": "open" } }, open: { on: { "frame.bid": "open" } } },
});
const info = { title: "Rooms and lots", version: "1.0.0", description: "For visitors" };
const document = asyncApi([room, { contract: auction, machine }, withArktype, withValibot], info);

describe("AsyncAPI page", () => {
  let browser: Browser;
  before(async function () {
    this.timeout(60_000); // long enough to unpack the browser from npm
    browser = await launchBrowser();
  });
  after(() => browser.close());

  async function open(options: BrowserContextOptions): Promise<Page> {
    const page = await browser.newPage(options);
    await page.setContent(pageOf(document, "asyncapi.json"));
    return page;
  }

  for (const colorScheme of ["light", "dark"] as const) {
    it(`has no violation of accessibility rules, with all details open: ${colorScheme}`, async function () {
      this.timeout(60_000);
      const page = await open({ colorScheme });
      await page.evaluate(
        "document.querySelectorAll('details').forEach((details) => { details.open = true; })",
      );
      expect(await violations(page)).to.deep.equal([]);
      await page.close();
    });
  }

  it("fits the width of a phone without scripts", async () => {
    const page = await open({ viewport: { width: 320, height: 640 }, javaScriptEnabled: false });
    const { width } = (await page.locator("body").boundingBox()) ?? {};
    expect(width).to.equal(320);
    for (const part of await page.locator("section, article, h2, nav").all()) {
      const box = await part.boundingBox();
      expect((box?.x ?? 0) + (box?.width ?? 0)).to.be.at.most(320);
    }
    await page.close();
  });

  it("leads from the contents to a frame, its reply, and its states", async () => {
    const page = await open({});
    const link = page.getByRole("navigation").getByRole("link", { name: "bid" });
    await link.click();
    const bid = page
      .getByRole("article", { name: "bid", exact: false })
      .filter({ hasText: "In the states: open" });
    await bid.getByRole("group", { name: "Fields of Reply to bid" }).getByText("value.leading").waitFor();
    expect(await bid.evaluate("document.querySelector(':target')?.id")).to.equal("ws_lot_lot.client.bid");
    await page.close();
  });
});
