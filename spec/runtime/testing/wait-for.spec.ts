import { expect } from "chai";
import { WebSocketConsumer } from "greenroom";
import { communicate, ExpectationError } from "greenroom/testing";
import { nextTurn } from "../../support/next-turn.ts";

class Echo extends WebSocketConsumer {
  override async receive(text: string) {
    await nextTurn(); // The client waits now.
    // The whole process pauses for longer than the limit of its client.
    const end = performance.now() + 300;
    while (performance.now() < end);
    await nextTurn();
    await nextTurn();
    this.send(text);
  }
}

describe("A time limit of greenroom/testing", () => {
  it("passes also if the test has replaced the timers", async () => {
    const { setTimeout, setImmediate } = globalThis;
    const client = communicate(Echo);
    await client.connect();
    Object.assign(globalThis, { setTimeout: () => 0, setImmediate: () => 0 });
    try {
      const failure = await client.receive({ timeoutMs: 5 }).catch((error: unknown) => error);
      expect(failure).to.be.instanceOf(ExpectationError);
    } finally {
      Object.assign(globalThis, { setTimeout, setImmediate });
    }
    await client.disconnect();
  });

  it("counts a pause of the process as a tenth of the limit at most", async () => {
    const client = communicate(Echo);
    await client.connect();
    client.send("a frame");
    expect(await client.receive({ timeoutMs: 100 })).to.equal("a frame");
    client.send("no answer yet");
    await client.settle({ timeoutMs: 100 });
    await client.disconnect();
  });
});
