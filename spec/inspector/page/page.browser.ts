import { expect } from "chai";
import type { PageReport } from "../../../inspector/protocol.ts";
import { violations } from "../../support/axe.ts";
import { alter, InspectedPremises, times } from "../../support/inspector-page.ts";
import { Wire } from "../../support/page.ts";

describe("Inspector page", () => {
  const premises = new InspectedPremises();

  describe("machines", () => {
    it("show the number of actors in each state, and the transitions", async () => {
      const tab = await premises.openTab();
      await tab.counts("joined", 0);
      const clients = await premises.connectAll(times(50, (index) => `/chorus/g${index % 5}`));
      await tab.counts("joined", 50);
      expect(await tab.consumers.first().innerText()).to.match(/^Chorus\s+50\s+\/chorus\/:group$/);
      const crowded = tab.page.locator("svg.machine .badge", { hasText: /^50/ });
      expect(await crowded.count()).to.equal(2);
      await tab.waitsFor("window.came", { connecting: 50, joined: 50 });
      expect(await tab.page.evaluate("window.ways")).to.be.above(0);
      for (const client of clients.slice(0, 20)) await client.close();
      await tab.counts("joined", 30);
      await tab.waitsFor("window.came", { connecting: 50, joined: 50, closing: 20, closed: 20 });
      expect(await tab.page.locator("[data-figure=actors]").innerText()).to.equal("30");
      expect(tab.errors).to.deep.equal([]);
    });

    it("of a machine consumer show its own states and substates, and a click lists the actors in one", async () => {
      const tab = await premises.openTab();
      const [first] = await premises.connectAll(times(3, () => "/turnstile"));
      await tab.consumers.nth(1).click();
      await tab.counts("inService", 3);
      await tab.counts("locked", 3);
      await tab.lists("1–3 of 3");
      first?.send(JSON.stringify({ type: "coin", value: 2 }));
      await tab.counts("open", 1);
      await tab.counts("locked", 2);
      await tab.counts("inService", 3);
      await tab.page.locator("svg.machine").first().getByText("open", { exact: true }).click();
      await tab.lists("1–1 of 1");
      expect(await tab.rows.innerText()).to.include("inService.open");
      expect(await tab.chips.allTextContents()).to.deep.equal([
        "Remove filter: consumer turnstile",
        "Remove filter: own state inService.open",
      ]);
      const open = tab.page.getByRole("button", { name: "open", exact: true });
      expect(await open.getAttribute("aria-pressed")).to.equal("true");
      await open.press("Enter");
      await tab.lists("1–3 of 3");
    });
  });

  describe("after a restart of the server", () => {
    it("shows the reason, reconnects, and shows the new state", async () => {
      const tab = await premises.openTab();
      await premises.connectAll(times(3, () => "/chorus/before"));
      await tab.lists("1–3 of 3");
      await premises.restart();
      await premises.connectAll(["/chorus/after", "/turnstile"]);
      await tab.lists("1–2 of 2");
      await tab.counts("locked", 1);
      const said: string[] = await tab.page.evaluate("window.said");
      expect(said.slice(0, 2)).to.deep.equal(["Live", "The connection to the server is lost."]);
      expect(said.at(-1)).to.equal("Live");
    });
  });

  describe("after a refusal", () => {
    let isAllowed = true;
    const guarded = new InspectedPremises({
      guards: [() => (isAllowed ? undefined : { status: 403, reason: "For administrators" })],
    });
    const wire = new Wire();

    it("shows the reason, and retries on demand", async () => {
      const tab = await guarded.openTab("", (page) => wire.lay(page, "/inspect"));
      isAllowed = false;
      await wire.cut(1012, "");
      await tab.status.getByText("Refused: For administrators.").waitFor();
      isAllowed = true;
      await tab.page.getByRole("button", { name: "Retry now" }).press("Enter");
      await tab.status.getByText("Live").waitFor();
    });
  });

  it("shows an unhealthy layer, the reason for a missing picture, and the sampling rate", async () => {
    const change = (report: PageReport): PageReport => {
      if (report.type === "tick")
        return {
          ...report,
          layers: report.layers.map((layer) => ({ ...layer, health: { ok: false, reason: "It is gone." } })),
        };
      if (report.type === "machines")
        return {
          ...report,
          machines: report.machines.map((facts) => ({
            ...facts,
            picture: { missing: "It cannot be drawn." },
          })),
        };
      if (report.type === "history") return { ...report, eventsPerSecond: 12_400, recordedPerSecond: 200 };
      return report;
    };
    const tab = await premises.openTab("#view=layers", (page) => alter(page, change));
    await premises.connect("/chorus/g1");
    await tab.page.getByText("unhealthy: It is gone.").waitFor();
    await tab.page.getByText("It cannot be drawn.").waitFor();
    await tab.counts("joined", 1);
    expect(await tab.page.locator("svg.machine").count()).to.equal(0);
    expect(await tab.page.getByRole("link", { name: "Layers" }).innerText()).to.equal("Layers 1 unhealthy");
    await tab.page.getByRole("link", { name: "Actors 1" }).click();
    await tab.rows.getByRole("link").click();
    await tab.page.getByText("Recorded 200 of 12,400 events per second.").waitFor();
  });

  it("is accessible in light and dark mode, and fits windows of any width", async function () {
    this.timeout(60_000);
    const tab = await premises.openTab();
    const [client] = await premises.connectAll(times(12, (index) => `/chorus/${"g".repeat(90)}${index}`));
    client?.send(`fail ${"W".repeat(300)}`);
    await tab.page.getByText(/^Failures [1-9]/).waitFor(); // a pause of the machine may count as another one
    await tab.lists("1–11 of 11");
    await tab.rows.last().getByRole("link").click();
    await tab.history(3);
    const actor = new URL(tab.page.url()).hash;
    for (const place of [
      "#view=machines",

      actor,
      "#view=layers",
      "#view=failures",
    ]) {
      await tab.page.evaluate(`location.hash = ${JSON.stringify(place)}`);
      for (const colorScheme of ["light", "dark"] as const) {
        await tab.page.emulateMedia({ colorScheme });
        expect(await violations(tab.page), `${place}, ${colorScheme}`).to.deep.equal([]);
      }
      for (const width of [360, 768, 1440]) {
        await tab.page.setViewportSize({ width, height: 800 });
        expect(await tab.page.evaluate("document.documentElement.scrollWidth"), place).to.equal(width);
      }
    }
  });
});
