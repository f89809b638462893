import { expect } from "chai";
import type { Tick } from "../../../inspector/protocol.ts";
import { Client } from "../../support/client.ts";
import { InspectorClient } from "../../support/inspector-client.ts";
import { Premises } from "../../support/page.ts";
import type { Tab } from "../../support/page-parts.ts";

/** Uses each panel once. The job is still running at the end. */
async function use({ system, room, jobs, auction, chat, reliable, notifications, analytics }: Tab) {
  for (const panel of [system, room, chat, reliable, notifications]) {
    await panel.joins();
    await panel.says("hello");
    await panel.log.getByText("hello").last().waitFor();
  }
  await analytics.joins();
  await analytics.send.press("Enter");
  await analytics.log.getByText("button_pressed").last().waitFor();
  await auction.joins();
  await auction.opens(3_600);
  await auction.shows("open");
  await auction.bids(100);
  await auction.leading.getByText("100 by Guest").waitFor();
  await jobs.joins();
  await jobs.does("translate", "hello");
  await jobs.cards
    .last()
    .getByText(/queued|%/)
    .waitFor();
}

/** Runs a job to its end. A job that has begun before it ends before it. */
async function nextJob(url: string) {
  const client = await Client.open(`${url}/ws/backgroundjob`);
  client.send(JSON.stringify({ type: "default", content: "end" }));
  while (!String(await client.next()).includes("job_result"));
  await client.close();
}

const dropsOf = ({ figures, layers }: Tick) =>
  [figures.dropped, ...layers.map(({ dropped }) => dropped)].flatMap(Object.keys);

describe("the demo's page: ordinary use", () => {
  const demo = new Premises({ jobStepMs: 1_000 });

  it("drops nothing, also when the page is reloaded or closed while a job runs", async function () {
    this.timeout(120_000);
    const inspector = await InspectorClient.open(demo.url);
    /** The drops, once at most `actors` actors are left. Earlier ticks may still be unread. */
    const dropsWith = async (actors: number) => {
      const since = Date.now();
      return dropsOf(
        await inspector.next("tick", (tick) => tick.at > since && tick.figures.actors <= actors),
      );
    };
    const tab = await demo.openTab();
    await use(tab);
    await tab.page.reload();
    await tab.jobs.cards.locator(".job-state").getByText("done").waitFor();
    expect(await dropsWith(1), "after a reload").to.deep.equal([]);
    await tab.jobs.does("translate", "hello");
    await tab.jobs.cards
      .last()
      .getByText(/queued|%/)
      .waitFor();
    await tab.page.close({ runBeforeUnload: true });
    await nextJob(demo.url);
    expect(await dropsWith(0), "after the tab is closed").to.deep.equal([]);
    await inspector.close();
  });
});
