import { expect } from "chai";
import type { WaitingFrames } from "../../../runtime/consumer-settings.ts";
import { Mailbox } from "../../../runtime/mailbox/mailbox.ts";
import { Scheduler } from "../../../runtime/scheduler/scheduler.ts";
import { gate } from "../../support/gate.ts";
import { Owner } from "../support/mailbox-owner.ts";

describe("Mailbox, with the waiting frames of all actors,", () => {
  let waitingFrames: WaitingFrames;
  beforeEach(() => {
    waitingFrames = { length: 0, maxLength: 20 };
  });

  /** Opens a mailbox whose first frame is pending. */
  async function openBusy() {
    const owner = new Owner();
    const working = gate();
    owner.work = (item) => (item === "work" ? working.opened : undefined);
    const settings = { capacity: 3, overflow: "close", frameHighWaterMark: 100, waitingFrames } as const;
    const mailbox = new Mailbox(owner, settings, new Scheduler());
    mailbox.start(Promise.resolve());
    await mailbox.whenIdle();
    mailbox.enqueueFrame("work");
    return { owner, mailbox, working };
  }

  it("pauses each client with a waiting frame while they are too long, and loses none", async () => {
    const [one, other] = [await openBusy(), await openBusy()];
    for (const letter of "ab") one.mailbox.enqueueFrame(letter.repeat(10));
    expect(one.owner.flow).to.deep.equal([]);
    other.mailbox.enqueueFrame("c");
    expect(other.owner.flow).to.deep.equal(["pause"]);
    other.working.open();
    await other.mailbox.whenIdle();
    expect(other.owner.flow).to.deep.equal(["pause", "resume"]);
    expect(other.owner.handled).to.deep.equal(["work", "c"]);
    one.working.open();
    await one.mailbox.whenIdle();
    expect(one.owner.handled).to.deep.equal(["work", "a".repeat(10), "b".repeat(10)]);
    expect(waitingFrames.length).to.equal(0);
  });

  it("resumes a client that still has waiting frames only once they are short enough", async () => {
    const [one, other] = [await openBusy(), await openBusy()];
    one.mailbox.enqueueFrame("a".repeat(21));
    for (const letter of "bcd") other.mailbox.enqueueFrame(letter);
    const waitingAtResume: number[] = [];
    other.owner.resume = () => waitingAtResume.push(other.mailbox.size);
    other.working.open();
    await other.mailbox.whenIdle();
    expect(waitingAtResume).to.deep.equal([0]);
  });

  it("does not count the frames of a closed mailbox", async () => {
    const { mailbox } = await openBusy();
    mailbox.enqueueFrame("a".repeat(21));
    expect(waitingFrames.length).to.equal(21);
    mailbox.close();
    expect(waitingFrames.length).to.equal(0);
  });
});
