import { expect } from "chai";
import { machineConsumer, WebSocketConsumer } from "greenroom";
import { setup } from "xstate";
import { InspectedPremises } from "../../support/inspector-page.ts";

const script = "<script>window.attacked = true</script>";
const image = "<img src=x onerror='window.attacked = true'>";
/** What comes after it would be read from right to left, were it not isolated. */
const override = "\u202Egnp.exe";

class Hostile extends WebSocketConsumer {
  override receive(text: string) {
    if (text === "fail") throw new Error(`${image}\n${"E".repeat(10_000)}`);
    this.send(text);
  }
}
Object.defineProperty(Hostile, "name", { value: `${image}${override}${"N".repeat(10_000)}` });

const machine = setup({}).createMachine({
  id: `${image}${override}`,
  initial: script,
  states: {
    [script]: {
      initial: "constructor",
      states: { constructor: {} },
      on: { [`frame.</text>${script}`]: "]]>" },
    },
    "]]>": { description: `</svg>${image}` },
  },
});
const Machine = machineConsumer(machine);
Object.defineProperty(Machine, "name", { value: "__proto__" });

describe("the inspector's page: what others have named", () => {
  const premises = new InspectedPremises({ payloads: true }, (runtime) => {
    runtime.route("/hostile/:part", Hostile);
    runtime.route("/machine", Machine);
  });

  it("is text, wherever it is shown", async () => {
    const tab = await premises.openTab();
    const { page } = tab;
    const client = await premises.connect(`/hostile/${encodeURIComponent(image)}`);
    await premises.connect("/machine");
    await tab.lists("1–2 of 2");
    await tab.consumers.getByText("__proto__", { exact: true }).click();
    await tab.counts(script, 1);
    await tab.counts("constructor", 1);
    expect(await page.locator("svg.machine").first().textContent())
      .to.include(script)
      .and.include("]]>");
    await tab.lists("1–1 of 1");
    await tab.chips.first().click();
    await tab.lists("1–2 of 2");
    await tab.consumers.getByText(image).click();
    await tab.lists("1–1 of 1");
    const name = tab.consumers.locator(".name").getByText(image);
    expect(await name.getAttribute("title")).to.equal(Hostile.name);
    expect(await page.evaluate("document.documentElement.scrollWidth")).to.equal(1440);
    await tab.rows.getByRole("link").click();
    await tab.history(2);
    await page.getByRole("checkbox", { name: "Show payloads" }).check();
    for (const text of [script, override]) client.send(text);
    await tab.history(6);
    expect(await page.locator(".payload").allTextContents()).to.deep.equal([
      script,
      script,
      override,
      override,
    ]);
    client.send("fail");
    await page.getByRole("link", { name: "Failures 1" }).click();
    expect(await page.locator(".failure .message").textContent()).to.include(image);
    expect(await page.locator("main script, main img").count()).to.equal(0);
    expect(await page.evaluate("window.attacked")).to.equal(undefined);
    // Nothing was asked of anybody but this server, nor tried that the page's policy forbids.
    expect(tab.requests.filter((url) => !url.startsWith(premises.url))).to.deep.equal([]);
    expect(tab.errors).to.deep.equal([]);
  });

  it("is what is looked for, whatever is in the address", async () => {
    const place = `#view=actors&consumer=${encodeURIComponent(image)}&state=own.__proto__&page=-1e9&sort=x&actor=%ZZ${"x".repeat(2_000)}`;
    const tab = await premises.openTab(place);
    await tab.page.getByText("This actor has gone.").waitFor();
    await tab.page.getByRole("link", { name: "All actors" }).click();
    await tab.page.getByText("No actor is like that.").waitFor();
    expect(await tab.chips.allTextContents()).to.deep.equal([
      `Remove filter: consumer ${image}`,
      "Remove filter: own state __proto__",
    ]);
    expect(tab.errors).to.deep.equal([]);
  });
});
