import { expect } from "chai";
import { type NamedActors, WebSocketConsumer } from "greenroom";
import type { PageReport } from "../../../inspector/protocol.ts";
import { violations } from "../../support/axe.ts";
import { cutText } from "../../support/cut-text.ts";
import { alter, InspectedPremises, times } from "../../support/inspector-page.ts";
import { lotMachine } from "../../support/lot-machine.ts";

const long = "Interdepartmental".repeat(5);

class Member extends WebSocketConsumer<{ params: "group" }> {
  static override readonly layer = "chat";
  override async connect() {
    await this.accept();
    for (const n of [1, 2, 3]) {
      await this.groupAdd(`${this.scope.params.group}.${n}`);
      this.tag(`${n}-${long}`);
    }
    this.tag("W".repeat(9));
  }
  override receive(text: string) {
    if (text === "fail") throw new Error(`${long} ${"word ".repeat(200)}`);
    this.send(text);
  }
}
Object.defineProperty(Member, "name", { value: `${long}Member` });

/** A busy node whose names and figures are long. */
function enlarge(report: PageReport): PageReport {
  if (report.type !== "tick") return report;
  const count = 123_456_789;
  const drops = { total: count, perSecond: count };
  return {
    ...report,
    figures: {
      ...report.figures,
      actors: count,
      watching: count,
      deliveriesPerSecond: count,
      framesInPerSecond: count,
      framesOutPerSecond: count,
      loopDelay: { p50: 12_345, p99: 23_456, max: 34_567 },
      rssBytes: count * 100,
      heapBytes: count * 99,
      refused: count,
      dropped: { slow: drops, "dead-letter": drops, closing: drops },
      sessions: { away: count, resumed: count, keptBytes: count * 10 },
    },
    layers: report.layers.map((layer) => ({
      ...layer,
      alias: long,
      totals: { ...layer.totals, published: count, delivered: count },
      perSecond: { ...layer.perSecond, published: count, delivered: count },
      dropped: { "queue-full": drops },
    })),
  };
}

describe("Inspector page, long texts and many actors", () => {
  let lots: NamedActors<{ bid: { readonly amount: number }; appraise: object }>;
  const premises = new InspectedPremises({ payloads: true }, (runtime) => {
    runtime.route("/member/:group", Member);
    lots = runtime.named("lot", lotMachine, { partitions: 16, attempts: 1 });
  });

  it("are readable in each view, in light and dark mode, on a desktop and on a phone", async function () {
    this.timeout(180_000);
    const tab = await premises.openTab("#view=actors&sort=oldest", (page) => alter(page, enlarge));
    const { page } = tab;
    const [client] = await premises.connectAll(times(60, (n) => `/member/${"g".repeat(60)}${n}`));
    client?.send("W".repeat(300));
    client?.send("fail");
    const key = "k".repeat(100);
    await lots.get(key).send({ type: "bid", amount: 1 });
    await lots
      .get(key)
      .ask({ type: "bid", amount: -1 })
      .catch(() => {});
    await tab.lists("1–50 of 59");
    await tab.rows.first().getByRole("link").click();
    await tab.history(1);
    const actor = new URL(page.url()).hash;
    const parts = {
      "#view=machines": "#machines .chart",
      "#view=actors&sort=oldest": "#actors tbody tr",
      [actor]: "#actor .entry",
      "#view=named": "#named tbody tr",
      [`#view=named&key=${key}`]: "#named [data-part=letters] li",
      "#view=layers": "#layers .layer",
      "#view=failures": "#failures .failure",
    };
    for (const [place, part] of Object.entries(parts)) {
      await page.evaluate(`location.hash = ${JSON.stringify(place)}`);
      await page.locator(part).first().waitFor();
      for (const viewport of [
        { width: 1280, height: 800 },
        { width: 390, height: 844 },
      ]) {
        await page.setViewportSize(viewport);
        for (const colorScheme of ["light", "dark"] as const) {
          await page.emulateMedia({ colorScheme });
          const what = `${place.slice(0, 30)}, ${viewport.width}, ${colorScheme}`;
          expect(await cutText(page), what).to.deep.equal([]);
          expect(await page.evaluate("document.documentElement.scrollWidth"), what).to.equal(viewport.width);
        }
      }
      expect(await violations(page), place).to.deep.equal([]);
    }
    expect(tab.errors).to.deep.equal([]);
  });
});
