import { expect } from "chai";
import { Chorus, InspectedPremises, times } from "../../support/inspector-page.ts";

describe("Inspector page, list of actors", () => {
  const premises = new InspectedPremises();

  /** Without sockets, the first of group 1. */
  const spawn = (count: number) =>
    Promise.all(
      times(count, (index) => premises.runtime.spawn(Chorus, { params: { group: `g${index + 1}` } })),
    );

  const groups = (texts: readonly string[]) => texts.map((text) => text.match(/\bg\d+/)?.[0]);

  it("has pages that work with the browser's buttons and survive a reload", async () => {
    await spawn(120);
    const tab = await premises.openTab();
    const { page, rows } = tab;
    await tab.lists("1–50 of 120");
    expect(groups(await rows.allTextContents())).to.deep.equal(times(50, (index) => `g${120 - index}`));
    expect(await page.getByRole("button", { name: "Previous" }).getAttribute("aria-disabled")).to.equal(
      "true",
    );
    await page.getByRole("button", { name: "Next" }).click();
    await tab.lists("51–100 of 120");
    await page.getByRole("button", { name: "Next" }).click();
    await tab.lists("101–120 of 120");
    expect(groups(await rows.allTextContents())).to.deep.equal(times(20, (index) => `g${20 - index}`));
    await page.getByRole("button", { name: "Next" }).press("Enter"); // does nothing on the last page
    await page.goBack();
    await tab.lists("51–100 of 120");
    await page.reload();
    await tab.lists("51–100 of 120");
    await page.goBack();
    await tab.lists("1–50 of 120");
  });

  it("can be searched, filtered and sorted, and shows the active filters", async () => {
    await spawn(30);
    await premises.connect("/turnstile");
    const tab = await premises.openTab();
    const { page, rows, chips } = tab;
    await tab.lists("1–31 of 31");
    await page.getByRole("combobox", { name: "Sort by" }).selectOption("oldest first");
    await rows.first().getByText("g1", { exact: true }).waitFor();
    await tab.search.fill("CHORUS of-g7");
    await tab.lists("1–1 of 1");
    expect(groups(await rows.allTextContents())).to.deep.equal(["g7"]);
    await page.reload();
    await tab.lists("1–1 of 1");
    expect(await tab.search.inputValue()).to.equal("CHORUS of-g7");
    await tab.search.fill("nobody is called that");
    await page.getByText("No actor matches.").waitFor();
    await chips.getByText("nobody is called that").click();
    await tab.lists("1–31 of 31");
    expect(await tab.search.inputValue()).to.equal("");
    await tab.consumers.getByText("turnstile", { exact: true }).click();
    await tab.lists("1–1 of 1");
    expect(await chips.allTextContents()).to.deep.equal(["Remove filter: consumer turnstile"]);
    await chips.first().click();
    await tab.lists("1–31 of 31");
    expect(await chips.count()).to.equal(0);
  });

  it("keeps a row and the focus in place while its values change and other rows appear", async () => {
    await spawn(3);
    const tab = await premises.openTab();
    await tab.lists("1–3 of 3");
    const row = tab.rows.filter({ hasText: "g2" }).last(); // the oldest of group 2
    await row.getByRole("link").focus();
    await row.evaluate((element) => Object.assign(globalThis, { row: element }));
    await spawn(2);
    await tab.lists("1–5 of 5");
    await row.getByText(/^[1-9]\d* s$/).waitFor();
    expect(
      await tab.page.evaluate("window.row.isConnected && window.row.contains(document.activeElement)"),
    ).to.equal(true);
    expect(await tab.page.evaluate("[...window.row.parentNode.children].indexOf(window.row)")).to.equal(3);
  });

  it("opens an actor by a click anywhere in its row, in a tab of its own with Ctrl, but not by selecting text", async () => {
    await spawn(1);
    const tab = await premises.openTab();
    await tab.lists("1–1 of 1");
    const { page, rows } = tab;
    const state = await rows.locator("td .state").boundingBox();
    if (state === null) throw new Error("The row shows no state.");
    const y = state.y + state.height / 2;
    await page.mouse.move(state.x + state.width - 2, y);
    await page.mouse.down();
    await page.mouse.move(state.x + 4, y);
    await page.mouse.up();
    expect(String(await page.evaluate("String(getSelection())"))).to.not.equal("");
    expect(page.url()).to.not.include("actor=");
    const age = rows.locator("td").nth(5);
    const other = page.context().waitForEvent("page");
    await age.click({ modifiers: ["ControlOrMeta"] });
    await other;
    expect(page.url()).to.not.include("actor=");
    await age.click();
    await page.getByRole("link", { name: "All actors" }).click();
    await rows.getByRole("link").and(page.locator(":focus")).waitFor();
  });
});
