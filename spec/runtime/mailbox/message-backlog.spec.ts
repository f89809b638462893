import { expect } from "chai";
import fc from "fast-check";
import type { OverflowPolicy } from "../../../actors/index.ts";
import { MessageBacklog } from "../../../runtime/mailbox/message-backlog.ts";
import { unlimitedFrames } from "../support/mailbox-owner.ts";

const mail = (n: number) => ({ message: { type: "tick", n }, delivery: {} });

function backlogOf(capacity: number, overflow: OverflowPolicy): MessageBacklog {
  return new MessageBacklog({ capacity, overflow, frameHighWaterMark: 1, waitingFrames: unlimitedFrames() });
}

/** Empties the backlog: numbers of messages, groups of gaps, and `-n` for n dropped messages. */
function drain(backlog: MessageBacklog): (number | string)[] {
  const out: (number | string)[] = [];
  for (let item = backlog.shift(); item !== undefined; item = backlog.shift()) out.push(shown(item));
  return out;
}

function shown(item: NonNullable<ReturnType<MessageBacklog["shift"]>>): number | string {
  if ("message" in item) return Number(item.message.n);
  if ("run" in item) return String(item.run());
  return "dropped" in item ? `-${item.dropped}` : String(item.group);
}

describe("MessageBacklog", () => {
  it("refuses messages above the capacity with overflow close, without a notice", () => {
    const backlog = backlogOf(2, "close");
    expect([1, 2, 3].map((n) => backlog.enqueue(mail(n)))).to.deep.equal(["enqueued", "enqueued", "refused"]);
    expect(drain(backlog)).to.deep.equal([1, 2]);
  });

  it("drops the oldest messages, with one notice in their place", () => {
    const backlog = backlogOf(2, "drop-oldest");
    const taken = [1, 2, 3, 4].map((n) => backlog.enqueue(mail(n)));
    expect(taken).to.deep.equal(["enqueued", "enqueued", "displaced", "displaced"]);
    expect(drain(backlog)).to.deep.equal(["-2", 3, 4]);
  });

  it("drops the newest messages, with one notice in their place", () => {
    const backlog = backlogOf(2, "drop-newest");
    const taken = [1, 2, 3, 4].map((n) => backlog.enqueue(mail(n)));
    expect(taken).to.deep.equal(["enqueued", "enqueued", "refused", "refused"]);
    backlog.shift();
    backlog.enqueue(mail(5));
    backlog.enqueue(mail(6));
    expect(drain(backlog)).to.deep.equal([2, "-2", 5, "-1"]);
  });

  it("keeps gaps in order while messages around them are dropped, without counting them as messages", () => {
    const backlog = backlogOf(2, "drop-oldest");
    backlog.enqueue(mail(1));
    backlog.enqueueGap({ group: "a" });
    backlog.enqueueGap({ group: "b" });
    backlog.enqueue(mail(2));
    backlog.enqueue(mail(3));
    backlog.enqueue(mail(4));
    expect(drain(backlog)).to.deep.equal(["-1", "a", "b", "-1", 3, 4]);
  });

  it("keeps the calls of timers in order while messages around them are dropped", () => {
    for (const [overflow, order] of [
      ["drop-oldest", ["-1", "timer", "-1", 3, "timer", 4]],
      ["drop-newest", [1, "timer", 2, "-1", "timer", "-1"]],
      ["close", [1, "timer", 2, "timer"]],
    ] as const) {
      const backlog = backlogOf(2, overflow);
      backlog.enqueue(mail(1));
      backlog.enqueueTimer({ run: () => "timer" });
      backlog.enqueue(mail(2));
      backlog.enqueue(mail(3));
      backlog.enqueueTimer({ run: () => "timer" });
      backlog.enqueue(mail(4));
      expect(drain(backlog), overflow).to.deep.equal(order);
    }
  });

  it("counts messages and notices that it drops, but not the calls of timers", () => {
    const backlog = backlogOf(1, "drop-oldest");
    backlog.enqueue(mail(1));
    backlog.enqueueTimer({ run() {} });
    backlog.enqueue(mail(2));
    backlog.enqueue(mail(3));
    backlog.enqueueTimer({ run() {} });
    backlog.enqueueGap({ group: "a" });
    // The notices of the first two messages, the third message, and the gap.
    expect(backlog.clear()).to.equal(4);
    expect(drain(backlog)).to.deep.equal([]);
  });

  it("merges the gaps of a group between two messages, and their range if it is continuous", () => {
    const backlog = backlogOf(9, "close");
    const first = Object.freeze({ group: "c", from: 1, to: 2 });
    backlog.enqueueGap({ group: "a", from: 1, to: 2 });
    backlog.enqueueGap({ group: "b", from: 1, to: 2 });
    backlog.enqueueGap({});
    backlog.enqueueGap({ group: "a", from: 3, to: 5 });
    backlog.enqueueGap({ group: "b", from: 4, to: 5 });
    backlog.enqueueGap({});
    backlog.enqueueGap(first);
    expect(backlog.size).to.equal(4);
    expect(backlog.shift()).to.deep.equal({ group: "a", from: 1, to: 5 });
    backlog.enqueueGap({ group: "a", from: 6, to: 7 });
    backlog.enqueueGap({ group: "b" });
    expect(backlog.shift()).to.deep.equal({ group: "b" });
    expect(backlog.shift()).to.deep.equal({});
    expect(backlog.shift()).to.equal(first);
    backlog.enqueue(mail(1));
    backlog.enqueueGap({ group: "a", from: 8, to: 9 });
    expect(backlog.shift()).to.deep.equal({ group: "a", from: 6, to: 7 });
    expect(drain(backlog)).to.deep.equal([1, "a"]);
  });

  it("does not grow by gaps between dropped messages", () => {
    for (const policy of ["close", "drop-newest", "drop-oldest"] as const) {
      const backlog = backlogOf(2, policy);
      for (let n = 0; n < 1_000; n += 1) {
        backlog.enqueue(mail(n));
        for (const group of ["a", "b"]) backlog.enqueueGap({ group });
      }
      expect(backlog.size, policy).to.be.at.most(12);
    }
  });

  it("finds the gap of a group without a search, because a failover causes gaps in all groups at once", () => {
    const count = 2_000;
    let reads = 0;
    const gapIn = (n: number) => ({
      get group() {
        reads += 1;
        return `group ${n}`;
      },
    });
    const backlog = backlogOf(1, "drop-oldest");
    for (let round = 0; round < 2; round += 1) {
      for (let n = 0; n < count; n += 1) backlog.enqueueGap(gapIn(n));
      expect(backlog.size).to.equal(count);
    }
    for (let n = 0; n < 3; n += 1) backlog.enqueue(mail(n));
    for (let n = 0; n < count; n += 1) backlog.enqueueGap(gapIn(n));
    for (let n = 3; n < 5; n += 1) backlog.enqueue(mail(n));
    expect(drain(backlog)).to.have.length(count + 2);
    expect(reads).to.be.below(20 * count);
  });

  it("reports its size, and is empty after clear", () => {
    const backlog = backlogOf(1, "drop-oldest");
    backlog.enqueue(mail(1));
    backlog.enqueueGap({ group: "a" });
    backlog.enqueue(mail(2));
    expect(backlog.size).to.equal(3);
    expect(backlog.clear()).to.equal(3);
    expect([backlog.size, backlog.shift(), backlog.enqueue(mail(3))]).to.deep.equal([
      0,
      undefined,
      "enqueued",
    ]);
  });

  it("accounts for every message in its place, in any sequence of operations", () => {
    const steps = fc.array(fc.constantFrom("put", "gap", "shift"), { maxLength: 60 });
    const policies = fc.constantFrom<OverflowPolicy>("drop-oldest", "drop-newest");
    fc.assert(
      fc.property(steps, policies, fc.integer({ min: 1, max: 4 }), (sequence, policy, capacity) => {
        const backlog = backlogOf(capacity, policy);
        const out: (number | string)[] = [];
        let sent = 0;
        let gaps = 0;
        for (const step of sequence) {
          if (step === "put") backlog.enqueue(mail(++sent));
          else if (step === "gap") backlog.enqueueGap({ group: `gap ${++gaps}` });
          else {
            const item = backlog.shift();
            if (item !== undefined) out.push(shown(item));
          }
        }
        out.push(...drain(backlog));
        let next = 1;
        for (const item of out) {
          if (typeof item === "number") expect(item).to.equal(next++);
          else if (item.startsWith("-")) next += Number(item.slice(1));
        }
        expect(next).to.equal(sent + 1);
        const gapsSeen = out.filter((item) => String(item).startsWith("gap"));
        expect(gapsSeen).to.deep.equal(Array.from({ length: gaps }, (_, index) => `gap ${index + 1}`));
      }),
    );
  });
});
