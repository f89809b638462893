import { expect } from "chai";
import type { NamedActors } from "greenroom";
import { violations } from "../../support/axe.ts";
import { InspectedPremises, times } from "../../support/inspector-page.ts";
import { lotMachine } from "../../support/lot-machine.ts";

type Lots = NamedActors<{ bid: { readonly amount: number }; appraise: object }>;

describe("Inspector page, named actors", () => {
  let lots: Lots;
  const premises = new InspectedPremises({ payloads: true }, (runtime) => {
    lots = runtime.named("lot", lotMachine, { partitions: 16, attempts: 1 });
    runtime.named("caller-only", { partitions: 16 });
  });

  /** 60 lots, one of which is parked and has a dead letter. */
  async function prepare() {
    const keys = times(60, (index) => `lot ${index}`);
    await Promise.all(keys.map((key) => lots.get(key).send({ type: "bid", amount: 1 })));
    const ill = lots.get("lot 7");
    await ill.ask({ type: "bid", amount: -1 }).catch(() => {});
    await ill.send({ type: "appraise" });
    const tab = await premises.openTab("#view=named");
    const region = tab.page.getByRole("region", { name: "Named actors" });
    await region.getByText("Parked 1", { exact: true }).waitFor();
    return { tab, region };
  }

  it("shows the kinds, pages of keys, and an actor with its dead letters", async () => {
    const { tab, region } = await prepare();
    const rows = region.getByRole("table", { name: "Actors of the kind" }).locator("tbody").getByRole("row");
    await rows.nth(49).waitFor();
    await tab.page.setViewportSize({ width: 1280, height: 800 });
    expect(await rows.first().innerText()).to.match(/^lot \d+\s+open\s/);
    await region.getByRole("link", { name: "Next" }).click();
    await rows.nth(9).waitFor();
    await tab.waitsFor("document.querySelectorAll('#named [data-part=rows] tr').length", 10);
    await tab.page.goBack();
    await rows.nth(49).waitFor();
    await region.getByRole("list", { name: "Parked" }).getByRole("link", { name: "lot 7" }).click();
    await region.getByRole("heading", { name: "lot 7" }).waitFor();
    await region.getByText("{ amount: 1 }").waitFor();
    const letters = region.getByRole("list", { name: "Dead letters" });
    await letters.getByText("No bid is -1.").waitFor();
    await letters.getByText("{ type: 'bid', amount: -1 }").waitFor();
    await tab.page.reload();
    await region.getByRole("heading", { name: "lot 7" }).waitFor();
    await region.getByRole("link", { name: "Close" }).click();
    await region.getByRole("heading", { name: "lot 7" }).waitFor({ state: "hidden" });
    await region.getByRole("textbox", { name: "Key of an actor" }).fill("lot 9");
    await region.getByRole("button", { name: "Open" }).click();
    await region.getByRole("heading", { name: "lot 9" }).waitFor();
    await region.getByText("caller-only").click();
    await region.getByText("16 partitions have no owner, so their actors wait.").waitFor();
    expect(tab.errors).to.deep.equal([]);
  });

  it("opens a partition by a click anywhere in its row", async () => {
    const { tab, region } = await prepare();
    await tab.page.getByText("Partitions", { exact: true }).click();
    const partitions = region.getByRole("table", { name: "Partitions of the kind" }).locator("tbody");
    await partitions.getByRole("row").nth(3).locator("td").nth(2).click();
    await region.getByRole("heading", { name: "Partition 3" }).waitFor();
  });

  it("is accessible in light and dark mode, and fits windows of any width", async function () {
    this.timeout(60_000);
    const { tab, region } = await prepare();
    const { page } = tab;
    await page.getByText("Partitions", { exact: true }).click();
    await region.getByRole("list", { name: "Parked" }).getByRole("link", { name: "lot 7" }).click();
    await region.getByRole("heading", { name: "lot 7" }).waitFor();
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      expect(await violations(page), colorScheme).to.deep.equal([]);
      for (const width of [360, 768, 1280, 1440]) {
        await page.setViewportSize({ width, height: 800 });
        expect(await page.evaluate("document.documentElement.scrollWidth")).to.equal(width);
      }
    }
  });
});
