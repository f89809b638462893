import { expect } from "chai";
import { WebSocketConsumer } from "greenroom";
import { RuntimeMeter } from "../../metrics/runtime-meter.ts";

describe("RuntimeMeter", () => {
  class Room extends WebSocketConsumer {}

  it("keeps up to 100 types for each consumer and kind, and counts the rest as `other`", () => {
    const meter = new RuntimeMeter();
    for (let index = 0; index < 150; index += 1) meter.handled(Room, "message", `type ${index}`, 1, 1);
    const counts = meter
      .handlerTimes("t")
      .filter(({ metricName }) => metricName === "t_count")
      .map(({ labels, value }) => [labels.type, value]);
    expect(counts).to.have.length(101);
    expect(counts.at(-1)).to.deep.equal(["other", 50]);
  });

  it("divides the time of messages that are measured together", () => {
    const meter = new RuntimeMeter();
    meter.handled(Room, "message", "said", 8, 4);
    const values = Object.fromEntries(
      meter.handlerTimes("t").map(({ labels, metricName, value }) => [labels.le ?? metricName, value]),
    );
    expect(values).to.include({ "0.001": 0, "0.005": 4, t_count: 4, t_sum: 0.008 });
  });
});
