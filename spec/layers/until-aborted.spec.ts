import { getEventListeners } from "node:events";
import { expect } from "chai";
import { untilAborted } from "../../layers/until-aborted.ts";
import { gate } from "../support/gate.ts";

const outcome = (work: Promise<unknown>) =>
  work.then(
    (value) => value,
    (error: Error) => error.message,
  );

describe("untilAborted", () => {
  it("settles like the work, and leaves no listener", async () => {
    const { signal } = new AbortController();
    expect(await untilAborted(Promise.resolve(7), signal)).to.equal(7);
    expect(await outcome(untilAborted(Promise.reject(new Error("broken")), signal))).to.equal("broken");
    expect(getEventListeners(signal, "abort")).to.deep.equal([]);
  });

  it("rejects with the reason when the signal is aborted, or was aborted before", async () => {
    const stopping = new AbortController();
    const work = gate();
    const settling = outcome(untilAborted(work.opened, stopping.signal));
    stopping.abort(new Error("closed"));
    expect(await settling).to.equal("closed");
    expect(await outcome(untilAborted(work.opened, stopping.signal))).to.equal("closed");
    // A late rejection of the work is not an unhandled rejection.
    work.fail(new Error("late"));
    await new Promise((resolve) => setImmediate(resolve));
  });
});
