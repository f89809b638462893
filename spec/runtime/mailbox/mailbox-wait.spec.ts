import { expect } from "chai";
import { Mailbox } from "../../../runtime/mailbox/mailbox.ts";
import { Scheduler } from "../../../runtime/scheduler/scheduler.ts";
import { gate } from "../../support/gate.ts";
import { mail, Owner, unlimitedFrames } from "../support/mailbox-owner.ts";

class MeteredOwner extends Owner {
  isMetered = true;
  readonly waits: number[] = [];

  waited(ms: number): void {
    this.waits.push(ms);
  }
}

describe("Mailbox, with a meter,", () => {
  let now: number;
  let owner: MeteredOwner;
  beforeEach(() => {
    now = 0;
    owner = new MeteredOwner();
  });

  async function busy(overflow: "close" | "drop-oldest" = "close") {
    const settings = {
      capacity: 3,
      overflow,
      frameHighWaterMark: 10,
      waitingFrames: unlimitedFrames(),
    } as const;
    const mailbox = new Mailbox(owner, settings, new Scheduler(() => now));
    const connecting = gate();
    mailbox.start(connecting.opened);
    return { mailbox, connecting };
  }

  it("measures one waiting item at a time, behind those that were there before", async () => {
    const { mailbox, connecting } = await busy();
    owner.isMetered = false;
    mailbox.enqueueMessage(mail(1));
    owner.isMetered = true;
    now = 10;
    mailbox.enqueueMessage(mail(2));
    now = 20;
    mailbox.enqueueMessage(mail(3));
    now = 100;
    owner.work = () => {
      now += 5;
    };
    connecting.open();
    await mailbox.whenIdle();
    expect(owner.handled).to.deep.equal([1, 2, 3]);
    expect(owner.waits).to.deep.equal([105 - 10]);
    const pending = gate();
    owner.work = (item) => (item === "first" ? pending.opened : undefined);
    mailbox.enqueueFrame("first");
    mailbox.enqueueFrame("second");
    now += 7;
    pending.open();
    await mailbox.whenIdle();
    expect(owner.waits).to.deep.equal([95, 7]);
  });

  it("does not measure an item that is handled at once, or without a meter", async () => {
    const { mailbox, connecting } = await busy();
    connecting.open();
    await mailbox.whenIdle();
    mailbox.enqueueFrame("now");
    owner.isMetered = false;
    const pending = gate();
    owner.work = () => pending.opened;
    mailbox.enqueueFrame("first");
    mailbox.enqueueFrame("second");
    pending.open();
    await mailbox.whenIdle();
    expect(owner.handled).to.deep.equal(["now", "first", "second"]);
    expect(owner.waits).to.deep.equal([]);
  });

  it("goes on measuring if the measured message is dropped for newer ones", async () => {
    const { mailbox, connecting } = await busy("drop-oldest");
    for (let n = 1; n <= 5; n += 1) {
      mailbox.enqueueMessage(mail(n));
      now += 1;
    }
    connecting.open();
    await mailbox.whenIdle();
    expect(owner.waits).to.have.length(2);
  });
});
