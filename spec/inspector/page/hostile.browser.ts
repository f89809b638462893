import { expect } from "chai";
import { machineConsumer, WebSocketConsumer } from "greenroom";
import { setup } from "xstate";
import type { PageReport } from "../../../inspector/protocol.ts";
import { alter, InspectedPremises } from "../../support/inspector-page.ts";

const script = "<script>window.attacked = true</script>";
const image = "<img src=x onerror='window.attacked = true'>";
/** Unless it is isolated, the text after it is shown from right to left. */
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

describe("Inspector page, hostile input", () => {
  const premises = new InspectedPremises({ payloads: true }, (runtime) => {
    runtime.route("/hostile/:part", Hostile);
    runtime.route("/machine", Machine);
  });

  it("is shown as text everywhere", async () => {
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
    expect(await name.getAttribute("title")).to.equal(`${Hostile.name.slice(0, 300)}…`);
    for (const width of [360, 1440]) {
      await page.setViewportSize({ width, height: 900 });
      await page.evaluate("location.hash = '#view=machines'");
      await tab.consumers.first().waitFor();
      const wide = `[document.documentElement, document.querySelector(".consumers"), document.querySelector(".listing")]
        .filter((element) => element.scrollWidth > element.clientWidth).map((element) => element.outerHTML)`;
      expect(await page.evaluate(wide), `${width}`).to.deep.equal([]);
    }
    await tab.lists("1–2 of 2");
    await tab.rows.filter({ hasText: "/hostile/" }).getByRole("link").click();
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
    // On a busy machine, a handler that is reported as blocking the event loop may be a second failure.
    await page.getByRole("link", { name: /^Failures [1-9]/ }).click();
    await page.locator(".failure .message").filter({ hasText: image }).waitFor();
    expect(await page.locator("main script, main img").count()).to.equal(0);
    expect(await page.evaluate("window.attacked")).to.equal(undefined);
    // The page requested nothing from other servers and did not violate its policy.
    expect(tab.requests.filter((url) => !url.startsWith(premises.url))).to.deep.equal([]);
    expect(tab.errors).to.deep.equal([]);
  });

  it("in an SVG is removed: only the shapes are shown", async () => {
    const svg = `<svg class="machine" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10" onload="window.attacked = true">
      <script>window.attacked = true</script><style>* { display: none }</style>
      <foreignObject><img xmlns="http://www.w3.org/1999/xhtml" src="x" onerror="window.attacked = true"/></foreignObject>
      <image href="http://127.0.0.1:9/x"/><a href="javascript:window.attacked = true"><text>link</text></a>
      <g class="graph"><g class="node s1" onclick="window.attacked = true"><path d="M0,0 L5,5"/></g></g></svg>`;
    const change = (report: PageReport): PageReport =>
      report.type === "machines"
        ? { ...report, machines: report.machines.map((facts) => ({ ...facts, picture: { svg } })) }
        : report;
    const tab = await premises.openTab("", (page) => alter(page, change));
    const { page } = tab;
    const picture = page.locator("svg.machine");
    await picture.locator("path").first().dispatchEvent("click");
    await tab.chips.getByText("connecting").waitFor();
    const tags = await picture.evaluate((element) =>
      [...element.querySelectorAll("*")].map(({ localName }) => localName),
    );
    expect(new Set(tags)).to.deep.equal(new Set(["g", "path", "rect", "text"]));
    expect(await page.evaluate("window.attacked")).to.equal(undefined);
    const asked = tab.requests.map((url) => new URL(url)).filter((url) => url.href.startsWith(premises.url));
    expect(asked.length).to.equal(tab.requests.length);
    expect(asked.filter(({ pathname }) => !pathname.startsWith("/inspect")).map(String)).to.deep.equal([]);
  });

  it("in the address is only searched for", async () => {
    const place = `#view=actors&consumer=${encodeURIComponent(image)}&state=own.__proto__&page=-1e9&sort=x&actor=%ZZ${"x".repeat(2_000)}`;
    const tab = await premises.openTab(place);
    await tab.page.getByText("This actor has ended.").waitFor();
    await tab.page.getByRole("link", { name: "All actors" }).click();
    await tab.page.getByText("No actor matches.").waitFor();
    expect(await tab.chips.allTextContents()).to.deep.equal([
      `Remove filter: consumer ${image}`,
      "Remove filter: own state __proto__",
    ]);
    expect(tab.errors).to.deep.equal([]);
  });
});
