import { expect } from "chai";
import { NotStoredError, StepFailedError } from "greenroom";
import { assign, emit, fromPromise, setup } from "xstate";
import type { NamedEffect } from "../../actors/index.ts";
import { partitionOf } from "../../named/keys.ts";
import { until } from "../layers/support/until.ts";
import { gate } from "../support/gate.ts";
import { account, seen } from "./support/account.ts";
import { errorOf, onEachStore, partitions, Stage } from "./support/stage.ts";

/** A machine with a child that fails, and a delay. */
function createParent(work: () => Promise<unknown>) {
  return setup({
    types: { context: {} as { fired: number } },
    actors: { work: fromPromise(work) },
  }).createMachine({
    id: "parent",
    context: { fired: 0 },
    initial: "idle",
    on: { "message.get": { actions: emit(({ context }) => ({ type: "reply", value: context.fired })) } },
    states: {
      idle: { on: { "message.work": "working" } },
      working: {
        invoke: { id: "work", src: "work", onDone: "idle" },
        after: { 60000: { actions: assign(({ context }) => ({ fired: context.fired + 1 })) } },
      },
    },
  });
}

describe("Failures of named actors", () => {
  onEachStore((stage) => {
    it("make a dead letter of a message after its last try, and the next messages are handled", async () => {
      const { kind } = await stage().node("account", account, { attempts: 3 });
      seen.failures = 0;
      const actor = kind.get("a");
      await actor.ask({ type: "add", by: 1 });
      const failed = errorOf(actor.ask({ type: "fail" }));
      const next = actor.ask({ type: "add", by: 1 });
      expect(await failed).to.be.instanceOf(StepFailedError);
      expect(await next).to.equal(2);
      expect([seen.failures, kind.counts.failed, kind.counts.dead]).to.deep.equal([3, 3, 1]);
      expect(stage().errors.filter(({ message }) => message === "The step fails.")).to.have.length(1);
      const index = partitionOf("a", partitions);
      const [letter] = await kind.state.run((backend) => backend.deadLetters({ kind: "account", index }));
      expect(kind.codec.unpack("dead", index, letter ?? new Uint8Array())).to.deep.include({
        key: "a",
        reason: "The step fails.",
        message: { type: "fail" },
      });
    });

    it("of a child park the actor, until it is resumed", async () => {
      let fails = true;
      const machine = createParent(async () => {
        if (fails) throw new Error("The work fails.");
      });
      const { kind } = await stage().node("parent", machine);
      const actor = kind.get("a");
      await actor.send({ type: "work" });
      await until(() => kind.counts.parked === 1);
      const caller = stage().caller("parent");
      await until(
        async () =>
          (await errorOf(caller.get("a").ask({ type: "get" }, { timeoutMs: 200 }))) instanceof
          StepFailedError,
      );
      await actor.send({ type: "get" });
      fails = false;
      expect(await kind.resume("a")).to.equal(true);
      await until(async () => (await actor.view()) === "idle");
      expect(await actor.ask({ type: "get" })).to.equal(0);
      expect(await kind.resume("a")).to.equal(false);
    });
  });

  describe("in memory", () => {
    let stage: ReturnType<typeof Stage.simulated>;
    beforeEach(() => {
      stage = Stage.simulated();
    });
    afterEach(() => stage.close());

    it("keep the delays of a parked actor until it is resumed", async () => {
      let fails = true;
      const waiting = gate();
      const machine = createParent(async () => {
        if (fails) throw new Error("The work fails.");
        await waiting.opened;
      });
      const { kind } = await stage.node("parent", machine);
      await kind.get("a").send({ type: "work" });
      await until(() => kind.counts.parked === 1);
      await until(
        async () =>
          (await kind.state.run((backend) => backend.read(kind.partitionOf("a"), "a"))).parked !== undefined,
      );
      fails = false;
      await kind.resume("a");
      stage.clock.increment(30_000);
      expect(await kind.get("a").ask({ type: "get" })).to.equal(0);
      stage.clock.increment(31_000);
      await until(async () => (await kind.get("a").ask({ type: "get" })) === 1);
    });

    it("pause before the next try, and other actors of the partition go on", async () => {
      const { kind } = await stage.node("account", account);
      seen.failures = 0;
      const failed = errorOf(kind.get("a").ask({ type: "fail" }));
      await until(() => seen.failures === 1);
      for (let index = 0; index < 20; index += 1) await kind.get(`b${index}`).ask({ type: "add", by: 1 });
      expect(seen.failures).to.equal(1);
      stage.clock.increment(100);
      await until(() => seen.failures === 2);
      stage.clock.increment(199);
      stage.clock.increment(1);
      expect(await failed).to.be.instanceOf(StepFailedError);
      expect(seen.failures).to.equal(3);
    });

    it("drop a delay whose step fails to the last try", async () => {
      const machine = setup({ types: { emitted: {} as NamedEffect } }).createMachine({
        id: "late",
        initial: "idle",
        states: {
          idle: {
            on: { "message.go": "going", "message.get": { actions: emit({ type: "reply", value: "idle" }) } },
          },
          going: {
            on: { "message.get": { actions: emit({ type: "reply", value: "going" }) } },
            after: {
              1000: {
                target: "idle",
                actions: assign(() => {
                  throw new Error("The delay fails.");
                }),
              },
            },
          },
        },
      });
      const { kind } = await stage.node("late", machine, { attempts: 1 });
      const actor = kind.get("a");
      await actor.send({ type: "go" });
      expect(await actor.ask({ type: "get" })).to.equal("going");
      stage.clock.increment(1_000);
      await until(() => kind.counts.dead === 1);
      expect(await actor.ask({ type: "get" })).to.equal("going");
      expect(stage.errors.map(({ message }) => message)).to.deep.equal(["The delay fails."]);
    });

    it("follow from a snapshot over 1 MiB, and one over 64 KiB is reported once", async () => {
      const machine = setup({ types: { context: {} as { text: string } } }).createMachine({
        id: "large",
        context: { text: "" },
        on: {
          "message.grow": {
            actions: [
              assign(({ context, event }) => ({ text: context.text + "x".repeat(event.message.by) })),
              emit(({ context }) => ({ type: "reply", value: context.text.length })),
            ],
          },
        },
      });
      const { kind } = await stage.node("large", machine);
      const actor = kind.get("a");
      expect(await actor.ask({ type: "grow", by: 100_000 })).to.equal(100_000);
      expect(await actor.ask({ type: "grow", by: 100_000 })).to.equal(200_000);
      expect(stage.errors.map(({ message }) => message)).to.have.length(1);
      expect(stage.errors[0]?.message).to.match(/^The snapshot of this actor has 1\d{5} bytes/);
      const error = await errorOf(actor.ask({ type: "grow", by: 1_000_000 }));
      expect(error).to.be.instanceOf(StepFailedError);
      expect(await actor.ask({ type: "grow", by: 1 })).to.equal(200_001);
    });

    it("do not lose sends that wait when the runtime closes: they are rejected", async () => {
      const { kind, runtime } = await stage.node("account", account);
      await stage.stop(runtime);
      expect(await errorOf(kind.get("a").send({ type: "get" }))).to.be.instanceOf(NotStoredError);
    });
  });
});
