import { expect } from "chai";
import { Mailbox } from "../../../runtime/mailbox/mailbox.ts";
import { Scheduler } from "../../../runtime/scheduler/scheduler.ts";
import { until } from "../../layers/support/until.ts";
import { gate } from "../../support/gate.ts";
import { mail, Owner, unlimitedFrames } from "../support/mailbox-owner.ts";

describe("Mailbox", () => {
  const settings = {
    capacity: 3,
    overflow: "close",
    frameHighWaterMark: 4,
    waitingFrames: unlimitedFrames(),
  } as const;
  let owner: Owner;
  let mailbox: Mailbox;

  beforeEach(async () => {
    owner = new Owner();
    mailbox = open();
  });

  const open = (capacity: number = settings.capacity) =>
    new Mailbox(owner, { ...settings, capacity }, new Scheduler());

  async function started(): Promise<void> {
    mailbox.start(Promise.resolve());
    await mailbox.whenIdle();
  }

  /** Keeps the mailbox busy until the gate opens. */
  function busy(): ReturnType<typeof gate> {
    const working = gate();
    owner.work = (item) => (item === "work" ? working.opened : undefined);
    mailbox.enqueueFrame("work");
    owner.handled.length = 0;
    return working;
  }

  describe("#start", () => {
    it("queues all items until the first work has settled, then handles them", async () => {
      const connecting = gate();
      mailbox = open(10);
      mailbox.start(connecting.opened);
      mailbox.enqueueMessage(mail(2));
      mailbox.enqueueFrame("one");
      mailbox.enqueueGap({ group: "three" });
      expect(owner.handled).to.deep.equal([]);
      connecting.open();
      await mailbox.whenIdle();
      expect(owner.handled).to.deep.equal(["one", 2, { group: "three" }]);
    });

    it("calls failed without an item when the first work fails", async () => {
      mailbox.start(Promise.reject(new Error("no")));
      await mailbox.whenIdle();
      expect(owner.failures).to.deep.equal([["no", undefined]]);
    });
  });

  describe("handling", () => {
    it("is synchronous while the mailbox is idle", async () => {
      await started();
      mailbox.enqueueFrame("now");
      expect(owner.handled).to.deep.equal(["now"]);
    });

    it("awaits a promise before the next item", async () => {
      await started();
      const working = busy();
      mailbox.enqueueFrame("next");
      expect(owner.handled).to.deep.equal([]);
      working.open();
      await mailbox.whenIdle();
      expect(owner.handled).to.deep.equal(["next"]);
    });

    it("does not overlap an item that arrives while a synchronous one is handled", async () => {
      await started();
      const order: string[] = [];
      owner.work = (item) => {
        order.push(`${item} begins`);
        if (item === "outer") mailbox.enqueueFrame("inner");
        order.push(`${item} ends`);
      };
      mailbox.enqueueFrame("outer");
      expect(order).to.deep.equal(["outer begins", "outer ends", "inner begins", "inner ends"]);
    });

    it("calls failed with the item for a throw and for a rejection, and continues", async () => {
      await started();
      owner.work = (item) => {
        if (item === "throws") throw new Error("thrown");
        if (item === "rejects") return Promise.reject(new Error("rejected"));
        return undefined;
      };
      for (const item of ["throws", "rejects", "fine"]) mailbox.enqueueFrame(item);
      await mailbox.whenIdle();
      expect(owner.failures).to.deep.equal([
        ["thrown", "throws"],
        ["rejected", "rejects"],
      ]);
      expect(owner.handled).to.deep.equal(["throws", "rejects", "fine"]);
    });

    it("keeps the order over thousands of items", async () => {
      await started();
      const working = busy();
      const frames = Array.from({ length: 5_000 }, (_, n) => `${n}`);
      for (const frame of frames) mailbox.enqueueFrame(frame);
      working.open();
      await mailbox.whenIdle();
      expect(owner.handled).to.deep.equal(frames);
    });

    it("alternates frames and messages, keeps the order of each kind, and a gap in its place", async () => {
      mailbox = open(10);
      await started();
      const working = busy();
      for (const n of [1, 2, 3]) mailbox.enqueueFrame(`frame ${n}`);
      mailbox.enqueueMessage(mail(1));
      mailbox.enqueueGap({ group: "gap" });
      mailbox.enqueueMessage(mail(2));
      working.open();
      await mailbox.whenIdle();
      expect(owner.handled).to.deep.equal([1, "frame 1", { group: "gap" }, "frame 2", 2, "frame 3"]);
    });
  });

  describe("#enqueueMessage", () => {
    it("refuses a message when the mailbox is full, regardless of waiting frames", async () => {
      await started();
      const working = busy();
      for (let n = 0; n < 10; n++) mailbox.enqueueFrame(`frame ${n}`);
      expect([1, 2, 3, 4].map((n) => mailbox.enqueueMessage(mail(n)))).to.deep.equal([
        ...["enqueued", "enqueued", "enqueued", "refused"],
      ]);
      working.open();
      await mailbox.whenIdle();
      expect(owner.handled.filter((item) => typeof item === "number")).to.deep.equal([1, 2, 3]);
    });

    it("accepts messages again after some were handled", async () => {
      await started();
      const working = busy();
      for (const n of [1, 2, 3]) mailbox.enqueueMessage(mail(n));
      working.open();
      await mailbox.whenIdle();
      busy();
      expect([4, 5, 6, 7].map((n) => mailbox.enqueueMessage(mail(n)))).to.deep.equal([
        ...["enqueued", "enqueued", "enqueued", "refused"],
      ]);
    });
  });

  describe("#runNext", () => {
    it("runs the work after the current item and before all waiting items", async () => {
      await started();
      const [working, urgent] = [busy(), gate()];
      mailbox.enqueueFrame("waits");
      mailbox.runNext(() => urgent.opened);
      working.open();
      await working.opened;
      mailbox.enqueueMessage(mail(1));
      expect(owner.handled).to.deep.equal([]);
      urgent.open();
      await mailbox.whenIdle();
      expect(owner.handled).to.have.members(["waits", 1]);
    });

    it("starts at once while the mailbox is idle, and queues later items", async () => {
      await started();
      const urgent = gate();
      let began = false;
      mailbox.runNext(() => {
        began = true;
        return urgent.opened;
      });
      expect(began).to.equal(true);
      mailbox.enqueueFrame("waits");
      expect(owner.handled).to.deep.equal([]);
      urgent.open();
      await mailbox.whenIdle();
      expect(owner.handled).to.deep.equal(["waits"]);
    });

    it("can be called from failed, between waiting items", async () => {
      await started();
      const working = busy();
      const urgent = gate();
      const failed = owner.failed.bind(owner);
      owner.failed = (error, item) => {
        failed(error, item);
        mailbox.runNext(() => urgent.opened);
      };
      owner.work = (item) => {
        if (item === "throws") throw new Error("thrown");
      };
      for (const frame of ["throws", "after"]) mailbox.enqueueFrame(frame);
      working.open();
      await working.opened;
      await Promise.resolve();
      expect(owner.handled).to.deep.equal(["throws"]);
      urgent.open();
      await mailbox.whenIdle();
      expect(owner.handled).to.deep.equal(["throws", "after"]);
    });

    it("runs one work after the other", async () => {
      await started();
      const [working, first, second] = [busy(), gate(), gate()];
      mailbox.enqueueFrame("waits");
      const begun: string[] = [];
      for (const [name, work] of Object.entries({ first, second })) {
        mailbox.runNext(() => {
          begun.push(name);
          return work.opened;
        });
      }
      working.open();
      await until(() => begun.length > 0);
      expect(begun).to.deep.equal(["first"]);
      first.open();
      await until(() => begun.length > 1);
      expect(owner.handled).to.deep.equal([]);
      second.open();
      await mailbox.whenIdle();
      expect(begun).to.deep.equal(["first", "second"]);
      expect(owner.handled).to.deep.equal(["waits"]);
    });

    it("does nothing once the mailbox is closed", () => {
      mailbox.close();
      mailbox.runNext(() => expect.fail("It was done."));
    });
  });

  describe("flow control", () => {
    it("pauses above the high-water mark and resumes at half of it", async () => {
      await started();
      const working = busy();
      for (let n = 0; n < 4; n++) mailbox.enqueueFrame(`frame ${n}`);
      expect(owner.flow).to.deep.equal([]);
      mailbox.enqueueFrame("one too many");
      mailbox.enqueueFrame("and another");
      expect(owner.flow).to.deep.equal(["pause"]);
      const sizes: number[] = [];
      owner.resume = () => sizes.push(mailbox.size);
      working.open();
      await mailbox.whenIdle();
      expect(sizes).to.deep.equal([2]);
    });
  });

  describe("#close", () => {
    it("drops waiting items, returns their number, and refuses new ones", async () => {
      await started();
      const working = busy();
      mailbox.enqueueFrame("frame");
      mailbox.enqueueMessage(mail(1));
      expect(mailbox.close()).to.equal(2);
      expect(mailbox.enqueueFrame("late")).to.equal(false);
      expect(mailbox.enqueueMessage(mail(2))).to.equal("refused");
      working.open();
      await mailbox.whenIdle();
      expect(owner.handled).to.deep.equal([]);
      expect(mailbox.close()).to.equal(0);
    });

    it("pauses while few but long frames wait, and resumes at half of their length", async () => {
      mailbox = open();
      await started();
      const working = busy();
      for (const letter of "ab") mailbox.enqueueFrame(letter.repeat(60_000));
      expect(owner.flow).to.deep.equal([]);
      mailbox.enqueueFrame("c".repeat(60_000));
      expect(owner.flow).to.deep.equal(["pause"]);
      working.open();
      await mailbox.whenIdle();
      expect(owner.flow).to.deep.equal(["pause", "resume"]);
    });

    it("resumes a paused owner, so that its closing handshake is read", async () => {
      await started();
      busy();
      for (let n = 0; n < 5; n++) mailbox.enqueueFrame(`frame ${n}`);
      mailbox.close();
      expect(owner.flow).to.deep.equal(["pause", "resume"]);
    });
  });

  describe("#whenIdle", () => {
    it("waits for the item being handled, not for the waiting ones", async () => {
      await started();
      const working = busy();
      mailbox.enqueueFrame("dropped");
      mailbox.close();
      const idle = mailbox.whenIdle().then(() => "idle");
      expect(await Promise.race([idle, Promise.resolve("busy")])).to.equal("busy");
      working.open();
      expect(await idle).to.equal("idle");
    });
  });
});
