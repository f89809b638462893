import { expect } from "chai";
import type { Budget } from "../../../layers/scheduling/lane.ts";
import { type Item, Mailbox } from "../../../runtime/mailbox/mailbox.ts";
import { Scheduler } from "../../../runtime/scheduler/scheduler.ts";
import { gate } from "../../support/gate.ts";
import { nextTurn } from "../../support/next-turn.ts";
import { mail, Owner, unlimitedFrames } from "../support/mailbox-owner.ts";

const numbers = (count: number) => Array.from({ length: count }, (_, n) => n);
const framesOf = (count: number, prefix = "") => numbers(count).map((n) => `${prefix}${n}`);
const noTime: Budget = { hasTime: false, charge() {} };

describe("Mailbox, with the turns of the event loop,", () => {
  const settings = {
    capacity: 1_000,
    overflow: "close",
    frameHighWaterMark: 10_000,
    waitingFrames: unlimitedFrames(),
  } as const;
  let now: number;
  let scheduler: Scheduler;
  beforeEach(() => {
    now = 0;
    scheduler = new Scheduler(() => now);
  });

  async function open(work?: (item: Item) => unknown) {
    const owner = new Owner();
    if (work !== undefined) owner.work = work;
    const mailbox = new Mailbox(owner, settings, scheduler);
    mailbox.start(Promise.resolve());
    await mailbox.whenIdle();
    return { owner, mailbox };
  }

  /** Gives frames to a mailbox, as a socket does. */
  function receive(mailbox: Mailbox, frames: readonly string[]): void {
    for (const frame of frames) mailbox.enqueueFrame(frame, scheduler.inlineBudget());
  }

  /** The number of frames that a mailbox handles in a turn with enough time. */
  async function measureShare(): Promise<number> {
    const { owner, mailbox } = await open();
    receive(mailbox, framesOf(1_000));
    return owner.handled.length;
  }

  for (const [kind, result] of [
    ["synchronous", undefined],
    ["asynchronous", Promise.resolve()],
  ] as const) {
    it(`handles a limited number of frames in each turn, and all in order (${kind} handler)`, async () => {
      const share = await measureShare();
      expect(share).to.be.within(1, 100);
      const counts = new Map<number, number>();
      const { owner, mailbox } = await open(() => {
        counts.set(scheduler.turn, (counts.get(scheduler.turn) ?? 0) + 1);
        return result;
      });
      const frames = framesOf(500);
      receive(mailbox, frames);
      await mailbox.whenIdle();
      expect(owner.handled).to.deep.equal(frames);
      expect(Math.max(...counts.values())).to.equal(share);
      expect(counts.size).to.equal(Math.ceil(500 / share));
    });
  }

  it("counts frames of different reads in one turn together", async () => {
    const share = await measureShare();
    const { owner, mailbox } = await open();
    await nextTurn();
    for (const frame of framesOf(share + 3)) receive(mailbox, [frame]);
    expect(owner.handled).to.have.length(share);
    await mailbox.whenIdle();
    expect(owner.handled).to.have.length(share + 3);
  });

  it("handles frames from code at once", async () => {
    const { owner, mailbox } = await open();
    const frames = framesOf(500);
    for (const frame of frames) mailbox.enqueueFrame(frame);
    expect(owner.handled).to.deep.equal(frames);
  });

  it("keeps the order of a frame from code behind frames that wait for a turn", async () => {
    const { owner, mailbox } = await open();
    mailbox.enqueueFrame("first", noTime);
    mailbox.enqueueFrame("second");
    expect(owner.handled).to.deep.equal([]);
    await mailbox.whenIdle();
    expect(owner.handled).to.deep.equal(["first", "second"]);
  });

  it("lets frames wait for the next turn if the budget has no time", async () => {
    const { owner, mailbox } = await open();
    const { turn } = scheduler;
    mailbox.enqueueFrame("one", noTime);
    mailbox.enqueueFrame("two", scheduler.inlineBudget());
    expect(owner.handled).to.deep.equal([]);
    await mailbox.whenIdle();
    expect(scheduler.turn).to.equal(turn + 1);
    expect(owner.handled).to.deep.equal(["one", "two"]);
  });

  it("stops within a turn when its time is over", async () => {
    const { owner, mailbox } = await open(() => {
      now += 1;
    });
    receive(mailbox, framesOf(200));
    // The budgets learn in the first turns how long a frame takes.
    for (let turn = 0; turn < 3; turn += 1) await nextTurn();
    while (mailbox.busy) {
      const before = owner.handled.length;
      await nextTurn();
      expect(owner.handled.length - before).to.be.within(1, 10);
    }
    expect(owner.handled).to.deep.equal(framesOf(200));
  });

  it("handles at least one frame in each turn, even if that takes long", async () => {
    const { owner, mailbox } = await open(() => {
      now += 100;
    });
    for (const frame of framesOf(5)) mailbox.enqueueFrame(frame, noTime);
    for (const count of [1, 2, 3, 4, 5]) {
      await nextTurn();
      expect(owner.handled).to.have.length(count);
    }
  });

  it("takes turns with other mailboxes, one frame each if a frame takes a whole turn", async () => {
    const order: string[] = [];
    const slow = (item: Item) => {
      order.push(String(item)[0] as string);
      now += 100;
    };
    const names = ["a", "b", "c"];
    const mailboxes = await Promise.all(names.map(() => open(slow)));
    for (const [index, { mailbox }] of mailboxes.entries()) {
      for (const frame of framesOf(10, names[index])) mailbox.enqueueFrame(frame, noTime);
    }
    await Promise.all(mailboxes.map(({ mailbox }) => mailbox.whenIdle()));
    expect(order.join("")).to.equal("abc".repeat(10));
  });

  it("handles a short frame before the long frames of many other mailboxes", async () => {
    let long = 0;
    const slow = () => {
      long += 1;
      now += 100;
    };
    const flooded = await Promise.all(numbers(50).map(() => open(slow)));
    const text = "x".repeat(5_000);
    for (const { mailbox } of flooded) for (const _ of numbers(3)) mailbox.enqueueFrame(text, noTime);
    const longAtShort: number[] = [];
    const other = await open(() => longAtShort.push(long));
    const before = long;
    other.mailbox.enqueueFrame("short", noTime);
    await other.mailbox.whenIdle();
    expect(longAtShort[0]).to.be.within(before, before + 2);
    await Promise.all(flooded.map(({ mailbox }) => mailbox.whenIdle()));
    expect(long).to.equal(150);
  });

  it("handles long frames while short frames of another mailbox keep coming", async () => {
    const slow = () => {
      now += 100;
    };
    const [flooded, other] = [await open(slow), await open(slow)];
    for (const frame of framesOf(50)) flooded.mailbox.enqueueFrame(frame, noTime);
    for (const _ of numbers(10)) other.mailbox.enqueueFrame("x".repeat(5_000), noTime);
    await other.mailbox.whenIdle();
    expect(other.owner.handled).to.have.length(10);
    expect(flooded.owner.handled.length).to.be.within(8, 12);
    await flooded.mailbox.whenIdle();
  });

  it("handles a frame of another mailbox before more frames of a flooded one", async () => {
    const flooded = await open();
    const other = await open(() => order.push(flooded.owner.handled.length));
    const order: number[] = [];
    receive(flooded.mailbox, framesOf(1_000));
    receive(other.mailbox, ["at once"]);
    other.mailbox.enqueueFrame("in the next turn", noTime);
    await other.mailbox.whenIdle();
    const share = await measureShare();
    expect(order).to.deep.equal([share, 2 * share]);
    await flooded.mailbox.whenIdle();
  });

  it("handles all waiting messages in a turn, although the share of frames is used up", async () => {
    const turns: number[] = [];
    const { owner, mailbox } = await open((item) => {
      if (typeof item === "object") turns.push(scheduler.turn);
    });
    receive(mailbox, framesOf(500));
    for (const n of numbers(300)) mailbox.enqueueMessage(mail(n));
    expect(turns).to.deep.equal([]);
    await mailbox.whenIdle();
    expect(new Set(turns).size).to.equal(1);
    expect(owner.handled.filter((item) => typeof item === "number")).to.deep.equal(numbers(300));
    expect(owner.handled.filter((item) => typeof item === "string")).to.deep.equal(framesOf(500));
  });

  it("overflows while a handler is pending, but not while it waits for its turn", async () => {
    const working = gate();
    const { owner, mailbox } = await open((item) => (item === "last" ? working.opened : undefined));
    mailbox.enqueueFrame("first", noTime);
    for (const n of numbers(3_000)) expect(mailbox.enqueueMessage(mail(n))).to.equal("enqueued");
    await mailbox.whenIdle();
    expect(owner.handled.filter((item) => item !== "first")).to.deep.equal(numbers(3_000));
    mailbox.enqueueFrame("last");
    for (const n of numbers(settings.capacity)) expect(mailbox.enqueueMessage(mail(n))).to.equal("enqueued");
    expect(mailbox.enqueueMessage(mail(-1))).to.equal("refused");
    working.open();
    await mailbox.whenIdle();
  });

  it("awaits the handler of a message that is handled because the mailbox is half full", async () => {
    const [slow, order]: [ReturnType<typeof gate>, string[]] = [gate(), []];
    const { owner, mailbox } = await open(async (item) => {
      if (typeof item === "string" || !("message" in item) || item.message.n !== 0) return;
      await slow.opened;
      order.push(`${owner.handled.length} handled`);
    });
    mailbox.enqueueFrame("frame", noTime);
    for (const n of numbers(settings.capacity)) mailbox.enqueueMessage(mail(n));
    for (let turn = 0; turn < 3; turn += 1) await nextTurn();
    slow.open();
    await mailbox.whenIdle();
    expect(order).to.deep.equal(["1 handled"]);
    expect(owner.handled.filter((item) => item !== "frame")).to.deep.equal(numbers(settings.capacity));
  });

  it("handles nothing of a half full mailbox before work that goes first", async () => {
    const { owner, mailbox } = await open();
    mailbox.enqueueFrame("frame", noTime);
    mailbox.runNext(async () => void owner.handled.push("work"));
    for (const n of numbers(settings.capacity)) mailbox.enqueueMessage(mail(n));
    await mailbox.whenIdle();
    expect(owner.handled[0]).to.equal("work");
  });

  it("handles messages before frames while it is half full", async () => {
    const [working, half] = [gate(), settings.capacity / 2];
    const { owner, mailbox } = await open((item) => (item === "busy" ? working.opened : undefined));
    mailbox.enqueueFrame("busy");
    for (const frame of framesOf(5)) mailbox.enqueueFrame(frame);
    for (const n of numbers(half + 100)) mailbox.enqueueMessage(mail(n));
    working.open();
    await mailbox.whenIdle();
    const kinds = owner.handled.map((item) => (typeof item === "string" ? "f" : "m")).join("");
    expect(kinds).to.equal(`f${"m".repeat(101)}${"fm".repeat(4)}f${"m".repeat(half - 5)}`);
  });

  it("handles a frame after as many messages as its capacity, although it stays half full", async () => {
    const working = gate();
    let next = settings.capacity;
    const { owner, mailbox } = await open((item) => {
      if (item === "busy") return working.opened;
      // Each message causes another one.
      if (typeof item === "object" && next < 4 * settings.capacity) mailbox.enqueueMessage(mail(next++));
      return undefined;
    });
    mailbox.enqueueFrame("busy");
    for (const frame of framesOf(3)) mailbox.enqueueFrame(frame);
    for (const n of numbers(settings.capacity)) mailbox.enqueueMessage(mail(n));
    working.open();
    await mailbox.whenIdle();
    const places = framesOf(3).map((frame) => owner.handled.indexOf(frame));
    expect(places).to.deep.equal([1, 2, 3].map((n) => n * (settings.capacity + 1)));
  });

  it("handles the call of a timer at once, but in a later turn if this turn has no time left", async () => {
    const calls: number[] = [];
    const mailboxes = await Promise.all(
      numbers(50).map((n) =>
        open(() => {
          now += 1;
          calls.push(n);
        }),
      ),
    );
    await nextTurn();
    for (const { mailbox } of mailboxes) mailbox.enqueueTimer({ run() {} }, scheduler.inlineBudget());
    expect(calls.length).to.be.within(1, 4);
    expect(mailboxes.at(-1)?.mailbox).to.include({ busy: true, size: 1 });
    while (calls.length < 50) {
      const before = calls.length;
      await nextTurn();
      expect(calls.length - before).to.be.within(1, 10);
    }
    expect(calls).to.deep.equal(numbers(50));
  });

  it("does not count the calls of timers as messages that make it half full", async () => {
    const working = gate();
    const { owner, mailbox } = await open((item) => (item === "busy" ? working.opened : undefined));
    mailbox.enqueueFrame("busy");
    for (const frame of framesOf(3)) mailbox.enqueueFrame(frame);
    for (const _ of numbers(settings.capacity)) mailbox.enqueueTimer({ run() {} });
    working.open();
    await mailbox.whenIdle();
    expect(owner.handled.slice(1, 7).map((item) => typeof item)).to.deep.equal([
      ...["object", "string", "object", "string", "object", "string"],
    ]);
  });

  it("handles no message early because the calls of timers wait", async () => {
    const { owner, mailbox } = await open();
    mailbox.enqueueFrame("frame", noTime);
    for (const _ of numbers(settings.capacity)) mailbox.enqueueTimer({ run() {} });
    mailbox.enqueueMessage(mail(1));
    expect(owner.handled).to.deep.equal([]);
    await mailbox.whenIdle();
    expect(owner.handled).to.have.length(settings.capacity + 2);
  });

  it("reports frames that wait for a turn in size and busy", async () => {
    const { mailbox } = await open();
    for (const frame of framesOf(3)) mailbox.enqueueFrame(frame, noTime);
    expect([mailbox.size, mailbox.busy]).to.deep.equal([3, true]);
    await mailbox.whenIdle();
    expect([mailbox.size, mailbox.busy]).to.deep.equal([0, false]);
  });

  describe("#drain", () => {
    /** Records when the drain ends, among the handled items. */
    function drain({ owner, mailbox }: Awaited<ReturnType<typeof open>>): void {
      mailbox.drain(() => owner.handled.push("drained"));
    }

    it("ends at once if no frame waits", async () => {
      const opened = await open();
      drain(opened);
      expect(opened.owner.handled).to.deep.equal(["drained"]);
    });

    it("ends after all frames that wait for a turn, with synchronous and asynchronous handlers", async () => {
      for (const work of [() => undefined, async () => {}]) {
        const opened = await open(work);
        receive(opened.mailbox, framesOf(500));
        drain(opened);
        while (!opened.owner.handled.includes("drained")) await nextTurn();
        expect(opened.owner.handled).to.deep.equal([...framesOf(500), "drained"]);
      }
    });

    it("ends although a handler is pending, and although messages keep coming", async () => {
      const working = gate();
      const opened = await open((item) => (item === "2" ? working.opened : undefined));
      for (const frame of framesOf(5)) opened.mailbox.enqueueFrame(frame, noTime);
      drain(opened);
      for (let turn = 0; turn < 5; turn += 1) {
        opened.mailbox.enqueueMessage(mail(turn));
        await nextTurn();
      }
      expect(opened.owner.handled.filter((item) => typeof item === "string")).to.deep.equal([
        ...framesOf(3),
        "drained",
      ]);
      working.open();
      await opened.mailbox.whenIdle();
    });
  });

  describe("#close", () => {
    it("drops what waits for a turn, and becomes idle", async () => {
      const { owner, mailbox } = await open();
      for (const frame of framesOf(3)) mailbox.enqueueFrame(frame, noTime);
      expect(mailbox.close()).to.equal(3);
      await mailbox.whenIdle();
      expect(owner.handled).to.deep.equal([]);
      expect(mailbox.busy).to.equal(false);
    });
  });

  describe("#runNext", () => {
    it("runs the work before the frames that wait for a turn, in the next turn", async () => {
      const { owner, mailbox } = await open();
      const [restarting, turn] = [gate(), scheduler.turn];
      for (const frame of framesOf(3)) mailbox.enqueueFrame(frame, noTime);
      let beganIn = 0;
      mailbox.runNext(() => {
        beganIn = scheduler.turn;
        return restarting.opened;
      });
      expect(beganIn).to.equal(0);
      await nextTurn();
      expect(beganIn).to.equal(turn + 1);
      await nextTurn();
      expect(owner.handled).to.deep.equal([]);
      restarting.open();
      await mailbox.whenIdle();
      expect(owner.handled).to.deep.equal(framesOf(3));
    });
  });
});
