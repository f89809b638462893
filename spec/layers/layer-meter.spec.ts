import { expect } from "chai";
import { MemoryLayer } from "greenroom";
import type { LayerMeter } from "../../layers/counters.ts";
import { Recorder } from "../../layers/testing/index.ts";
import { until } from "./support/until.ts";

class Times implements LayerMeter {
  readonly publishes: number[] = [];
  readonly deliveries: (readonly [ms: number, count: number])[] = [];

  published(ms: number): void {
    this.publishes.push(ms);
  }

  delivered(ms: number, count: number): void {
    this.deliveries.push([ms, count]);
  }
}

/** Keeps the event loop busy in each delivery, for about this time. */
const slowMs = 5;

class Slow extends Recorder {
  override deliver(...mail: Parameters<Recorder["deliver"]>): void {
    const end = performance.now() + slowMs;
    while (performance.now() < end);
    super.deliver(...mail);
  }
}

describe("ChannelLayer.meter", () => {
  let layer: MemoryLayer;
  beforeEach(() => {
    layer = new MemoryLayer();
  });
  afterEach(() => layer.close());

  async function room() {
    const inboxes = [new Slow(), new Slow()];
    for (const inbox of inboxes) await layer.groupAdd("room", await layer.newChannel(inbox));
    return inboxes;
  }

  it("gets the time of each publish, and the time until the last member has the messages of a turn", async () => {
    const times = new Times();
    const inboxes = await room();
    layer.meter = times;
    await Promise.all([1, 2].map((number) => layer.groupSend("room", { type: "note", number })));
    for (const inbox of inboxes) await inbox.next("note");
    await layer.groupSend("room", { type: "end" });
    for (const inbox of inboxes) await inbox.next("end");
    await until(() => layer.inFlight === 0);
    expect(times.publishes).to.have.length(3);
    const counts = times.deliveries.map(([, count]) => count);
    expect(counts.reduce((sum, count) => sum + count)).to.equal(3);
    for (const [ms, count] of times.deliveries) expect(ms).to.be.at.least(2 * count * slowMs);
  });

  it("gets the time of a direct send, and nothing of a failed publish or after it is removed", async () => {
    const times = new Times();
    const inbox = new Recorder();
    const channel = await layer.newChannel(inbox);
    layer.meter = times;
    await layer.send(channel, { type: "one" });
    await inbox.next("one");
    expect(times.deliveries).to.have.length(1);
    layer.meter = undefined;
    await layer.send(channel, { type: "two" });
    await inbox.next("two");
    layer.meter = times;
    await layer.close();
    await layer.send(channel, { type: "three" }).catch(() => {});
    expect(times.publishes).to.have.length(1);
    expect(times.deliveries).to.have.length(1);
  });
});
