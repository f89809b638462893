import { expect } from "chai";
import type { NamedEffect } from "greenroom";
import { createActor, SimulatedClock } from "xstate";
import { idleLot, lotMachine, viewLot } from "../../demo/lots/lot-machine.ts";

/** A lot whose time the spec tells. `answers` are the effects of the last message. */
function startLot() {
  const clock = new SimulatedClock();
  const actor = createActor(lotMachine, { clock });
  let answers: NamedEffect[] = [];
  actor.on("*", (effect) => answers.push(effect));
  actor.start();
  const tell = (send: () => void) => {
    answers = [];
    send();
    return answers;
  };
  return {
    clock,
    view: () => viewLot(actor.getSnapshot()),
    open: (seconds: number, reserve = 0) =>
      tell(() =>
        actor.send({ type: "message.open", message: { type: "open", seconds, reserve }, delivery: {} }),
      ),
    bid: (by: string, amount: number) =>
      tell(() => actor.send({ type: "message.bid", message: { type: "bid", by, amount }, delivery: {} })),
  };
}

const leads = [{ type: "reply", value: { leading: true } }];
const beaten = (beat: number | null) => [["refuse", "rejected", { beat }]];
const refusals = (effects: readonly NamedEffect[]) =>
  effects.map((effect) => (effect.type === "refuse" ? [effect.type, effect.code, effect.data] : effect));

describe("lotMachine", () => {
  it("is idle until it is opened, and refuses bids", () => {
    const lot = startLot();
    expect(lot.view()).to.deep.equal(idleLot);
    expect(idleLot).to.deep.equal({
      state: "idle",
      amount: null,
      by: null,
      reserve: null,
      closesAt: null,
      bids: 0,
    });
    expect(refusals(lot.bid("Ada", 500))).to.deep.equal(beaten(null));
    expect(lot.view()).to.deep.equal(idleLot);
  });

  it("opens for the given time, answers when it closes, and gives the same answer while it is open", () => {
    const lot = startLot();
    const before = Date.now();
    const answers = lot.open(60, 100);
    const { closesAt, ...rest } = lot.view();
    expect(closesAt).to.be.within(before + 60_000, Date.now() + 60_000);
    expect(rest).to.deep.equal({ state: "open", amount: null, by: null, reserve: 100, bids: 0 });
    expect(answers).to.deep.equal([{ type: "reply", value: { closesAt } }]);
    lot.clock.increment(30_000);
    expect(lot.open(3_600, 0)).to.deep.equal(answers);
    expect(lot.view()).to.deep.equal({ ...rest, closesAt });
    lot.clock.increment(30_000);
    expect(lot.view().state).to.equal("sold");
  });

  it("takes only a bid above the leading one and the reserve", () => {
    const lot = startLot();
    lot.open(60, 100);
    for (const amount of [-1, 0, 100]) expect(refusals(lot.bid("Ada", amount))).to.deep.equal(beaten(100));
    expect(lot.view()).to.include({ amount: null, by: null, bids: 0 });
    expect(lot.bid("Ada", 101)).to.deep.equal(leads);
    for (const amount of [100, 101]) expect(refusals(lot.bid("Ben", amount))).to.deep.equal(beaten(101));
    expect(lot.bid("Ben", 102)).to.deep.equal(leads);
    expect(lot.bid("Ben", 500)).to.deep.equal(leads);
    expect(lot.view()).to.include({ state: "open", amount: 500, by: "Ben", reserve: 100, bids: 3 });
  });

  it("is going for the last 5 s, and sold at the end", () => {
    const lot = startLot();
    lot.open(60);
    lot.bid("Ada", 1);
    lot.clock.increment(54_999);
    expect(lot.view().state).to.equal("open");
    lot.clock.increment(1);
    expect(lot.view().state).to.equal("going");
    lot.clock.increment(4_999);
    expect(lot.view().state).to.equal("going");
    lot.clock.increment(1);
    expect(lot.view()).to.include({ state: "sold", amount: 1, by: "Ada" });
    expect(refusals(lot.bid("Ben", 2))).to.deep.equal(beaten(null));
  });

  it("is extended to 5 s by a leading bid while it is going, and not by a refused one", () => {
    const lot = startLot();
    lot.open(10);
    lot.clock.increment(9_000);
    const before = Date.now();
    expect(lot.bid("Ada", 1)).to.deep.equal(leads);
    expect(lot.view()).to.include({ state: "going", amount: 1, bids: 1 });
    expect(lot.view().closesAt).to.be.within(before + 5_000, Date.now() + 5_000);
    lot.clock.increment(4_000);
    lot.bid("Ben", 2);
    lot.clock.increment(4_000);
    lot.bid("Ada", 2);
    lot.clock.increment(999);
    expect(lot.view().state).to.equal("going");
    lot.clock.increment(1);
    expect(lot.view()).to.include({ state: "sold", amount: 2, by: "Ben", bids: 2 });
  });

  it("is going from the begin if it opens for 5 s", () => {
    const lot = startLot();
    lot.open(5);
    lot.clock.increment(0);
    expect(lot.view().state).to.equal("going");
    lot.clock.increment(5_000);
    expect(lot.view()).to.include({ state: "sold", amount: null, by: null });
  });

  it("opens again after it was sold, with a fresh auction", () => {
    const lot = startLot();
    lot.open(10, 100);
    lot.bid("Ada", 500);
    lot.clock.increment(10_000);
    lot.open(20, 7);
    expect(lot.view()).to.include({ state: "open", amount: null, by: null, reserve: 7, bids: 0 });
    expect(lot.bid("Ben", 8)).to.deep.equal(leads);
    lot.clock.increment(20_000);
    expect(lot.view()).to.include({ state: "sold", amount: 8, by: "Ben" });
  });
});
