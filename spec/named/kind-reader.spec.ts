import { expect } from "chai";
import { createRuntime, MemoryLayer, type NamedEffect, type NamedMessageEvents } from "greenroom";
import { assign, emit, fromPromise, setup } from "xstate";
import { internals } from "../../runtime/internals.ts";
import { until } from "../layers/support/until.ts";

interface LotMessages {
  bid: { readonly amount: number };
  pass: object;
  appraise: object;
}

/** A negative bid fails its step. The appraisal fails always. A pass is told to a kind that does not exist. */
const lotMachine = setup({
  types: {
    context: {} as { amount: number },
    events: {} as NamedMessageEvents<LotMessages>,
    emitted: {} as NamedEffect,
  },
  actors: { appraisal: fromPromise(() => Promise.reject(new Error("The expert is ill."))) },
}).createMachine({
  context: { amount: 0 },
  initial: "open",
  states: {
    open: {
      after: { 60000: "closed" },
      on: {
        "message.bid": {
          actions: assign({
            amount({ event }) {
              if (event.message.amount < 0) throw new Error(`No bid is ${event.message.amount}.`);
              return event.message.amount;
            },
          }),
        },
        "message.pass": {
          actions: emit({ type: "tell", kind: "nobody", key: "1", message: { type: "pass" } }),
        },
        "message.appraise": "appraised",
      },
    },
    closed: {},
    appraised: { invoke: { src: "appraisal" } },
  },
});

const ill = 'The child "0.(machine).appraised" has failed: The expert is ill.';

describe("What the store has of named actors", () => {
  let runtime: ReturnType<typeof start>;
  beforeEach(() => {
    runtime = start();
  });
  afterEach(() => runtime.close());

  const start = () => createRuntime({ layers: { state: new MemoryLayer() }, onError: () => {} });
  const know = () =>
    runtime.named("lot", lotMachine, {
      partitions: 4,
      attempts: 1,
      view: ({ context }) => ({ shown: context.amount }),
    });
  const reader = () => runtime[internals].context.named.of("lot").reader;

  it("tells the owners of partitions, and what waits in them", async () => {
    const lots = know();
    await runtime.ready();
    for (const key of ["a", "b", "c"]) await lots.get(key).send({ type: "bid", amount: 1 });
    await lots.get("c").send({ type: "appraise" });
    const facts = async () => {
      const { partitions, parked } = await reader().partitions(256);
      const sum = (read: (facts: (typeof partitions)[number]) => number) =>
        partitions.reduce((total, each) => total + read(each), 0);
      return { partitions, parked, sum };
    };
    await until(async () => (await facts()).parked.length === 1);
    await lots.get("c").send({ type: "bid", amount: 2 });
    // The other actors have handled their messages, and the message of the parked actor waits.
    await until(async () => (await facts()).sum(({ waiting, actors }) => waiting * 10 + actors) === 13);
    const { partitions, parked, sum } = await facts();
    const [self] = await reader().members();
    expect(self).to.deep.include({ isThis: true, version: 1 });
    expect(self?.node).to.match(new RegExp(`:${process.pid}$`));
    expect(partitions.map(({ index, owner }) => [index, owner])).to.deep.equal(
      [0, 1, 2, 3].map((index) => [index, self?.node]),
    );
    expect([
      sum(({ actors }) => actors),
      sum((each) => each.parked),
      sum(({ waiting }) => waiting),
    ]).to.deep.equal([3, 1, 1]);
    expect(parked.map(({ key, reason }) => [key, reason])).to.deep.equal([["c", ill]]);
    const due = partitions.flatMap(({ dueInMs }) => dueInMs ?? []);
    expect(Math.min(...due)).to.be.within(50_000, 60_000);
    expect((await reader().partitions(2)).partitions).to.have.length(2);
  });

  it("tells the state, view, context, mailbox, delays and parking of an actor, and wakes none", async () => {
    const lots = know();
    await runtime.ready();
    await lots.get("a").send({ type: "bid", amount: 7 });
    await until(async () => (await lots.get("a").view()) !== undefined);
    const actor = await reader().actor("a");
    expect(actor).to.deep.include({
      key: "a",
      machineVersion: 1,
      value: "open",
      view: { shown: 7 },
      context: { amount: 7 },
      hasEnded: false,
      mailbox: 0,
      parked: undefined,
      unreadable: undefined,
    });
    expect(actor.version).to.match(/-1$/);
    expect(actor.bytes).to.be.above(50);
    expect(actor.delays.map(({ event }) => event)).to.deep.equal(["xstate.after.60000.(machine).open"]);
    expect(actor.dueInMs).to.be.within(50_000, 60_000);
    await lots.get("a").send({ type: "appraise" });
    await until(async () => (await reader().actor("a")).parked !== undefined);
    await lots.get("a").send({ type: "bid", amount: 8 });
    const parked = await reader().actor("a");
    expect(parked).to.deep.include({ value: "appraised", mailbox: 1, delays: [] });
    expect(parked.parked?.reason).to.equal(ill);
    expect(parked.parked?.at).to.be.closeTo(Date.now(), 10_000);
    expect(await reader().actor("none")).to.include({ version: undefined, value: undefined, mailbox: 0 });
    expect(await lots.list()).to.deep.equal(["a"]);
  });

  it("tells the dead letters of a kind, of a key and of a partition, the newest first", async () => {
    const lots = know();
    await runtime.ready();
    for (const [key, amount] of [
      ["a", -1],
      ["b", -2],
      ["a", -3],
    ] as const) {
      await lots
        .get(key)
        .ask({ type: "bid", amount })
        .catch(() => {});
    }
    const letters = await lots.deadLetters();
    expect(letters.map(({ key, message }) => [key, message])).to.have.deep.members([
      ["a", { type: "bid", amount: -1 }],
      ["b", { type: "bid", amount: -2 }],
      ["a", { type: "bid", amount: -3 }],
    ]);
    expect(letters.map(({ at }) => at)).to.deep.equal(
      letters.map(({ at }) => at).sort((one, other) => other - one),
    );
    const ofA = await lots.deadLetters({ key: "a" });
    expect(ofA.map(({ reason }) => reason)).to.deep.equal(["No bid is -3.", "No bid is -1."]);
    expect((await lots.deadLetters({ key: "a", limit: 1 })).map(({ reason }) => reason)).to.deep.equal([
      "No bid is -3.",
    ]);
    const { partition } = await reader().actor("b");
    expect((await reader().deadLetters({ partition, limit: 9 })).some(({ key }) => key === "b")).to.equal(
      true,
    );
    expect(await lots.deadLetters({ key: "none" })).to.deep.equal([]);
    // Reading removes nothing.
    expect(await lots.deadLetters()).to.have.length(3);
  });

  it("tells an effect that could not be delivered", async () => {
    const lots = know();
    await runtime.ready();
    await lots.get("a").send({ type: "pass" });
    await until(async () => (await lots.deadLetters()).length === 1);
    const [letter] = await lots.deadLetters();
    expect(letter).to.deep.include({
      key: undefined,
      effect: { type: "tell", kind: "nobody", key: "1", message: { type: "pass" } },
    });
    expect(letter?.reason).to.contain('no named actors of the kind "nobody"');
  });
});
