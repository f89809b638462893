import { expect } from "chai";
import { assign, emit, fromPromise, setup } from "xstate";
import { until } from "../layers/support/until.ts";
import { account } from "./support/account.ts";
import { onEachStore, partitions, Stage } from "./support/stage.ts";

const names = Array.from({ length: 12 }, (_, index) => `key ${index}`);

describe("The ownership of named actors", () => {
  onEachStore((stage) => {
    it("is shared by nodes, and handed over at once when one of them closes", async () => {
      const one = await stage().node("account", account);
      await Promise.all(names.map((name) => one.kind.get(name).ask({ type: "add", by: 1 })));
      const two = await stage().node("account", account);
      await Promise.all(names.map((name) => two.kind.get(name).ask({ type: "add", by: 1 })));
      await Promise.all(names.map((name) => one.kind.get(name).ask({ type: "add", by: 1 })));
      await stage().stop(one.runtime);
      const answers = names.map((name) => two.kind.get(name).ask({ type: "get" }));
      expect(new Set(await Promise.all(answers))).to.deep.equal(new Set([3]));
      expect(two.kind.owned.size).to.equal(partitions);
      expect(two.kind.counts).to.include({ rolledBack: 0, lost: 0 });
    });

    it("of a partition stays with the highest version that has owned it", async () => {
      const first = await stage().node("account", account);
      await first.kind.get("a").ask({ type: "add", by: 1 });
      const old = await stage().node("account", account);
      await stage().stop(first.runtime);
      await stage().settled("account");
      const renamed = { ...account.config };
      expect(renamed.id).to.equal("account");
      const next = await stage().node("account", account, {
        version: 2,
        migrate: (saved, from) => {
          const state = saved.state as { context: { balance: number } };
          return { ...saved, state: { ...saved.state, context: { ...state.context, balance: 10 * from } } };
        },
      });
      await Promise.all(names.map((name) => next.kind.get(name).ask({ type: "add", by: 1 })));
      // The new node claims all partitions once the old one has closed.
      await stage().stop(old.runtime);
      await stage().settled("account");
      expect(await next.kind.get("a").ask({ type: "get" })).to.equal(10);
      await stage().stop(next.runtime);
      const late = stage().runtime();
      late.named("account", account, { partitions });
      await late.ready();
      await until(
        () =>
          stage().errors.filter(({ name, message }) => name === "NamedKindError" && /version 2/.test(message))
            .length === partitions,
      );
    });
  });

  describe("in memory", () => {
    let stage: ReturnType<typeof Stage.simulated>;
    beforeEach(() => {
      stage = Stage.simulated();
    });
    afterEach(() => stage.close());

    it("comes with the delays, which end once, also on another node", async () => {
      const one = await stage.node("account", account);
      const actor = one.kind.get("a");
      await actor.send({ type: "later", ms: 40 * 86_400_000 });
      await actor.send({ type: "get" });
      await until(async () => (await actor.view()) === "pausing");
      await stage.stop(one.runtime);
      const two = await stage.node("account", account);
      stage.clock.increment(39 * 86_400_000);
      expect(await two.kind.get("a").ask({ type: "get" })).to.equal(0);
      stage.clock.increment(86_400_000);
      await until(async () => (await two.kind.get("a").view()) === "open");
      expect(await two.kind.get("a").ask({ type: "get" })).to.equal(100);
    });

    it("comes with the delays of an imported actor, also on the node that had it in memory", async () => {
      const { kind } = await stage.node("account", account);
      await kind.get("a").send({ type: "later", ms: 5_000 });
      await until(async () => (await kind.get("a").view()) === "pausing");
      const saved = await kind.export("a");
      await kind.get("b").ask({ type: "add", by: 1 });
      if (saved !== undefined) await kind.import("b", { ...saved, key: "b" });
      stage.clock.increment(5_000);
      await until(async () => (await kind.get("b").view()) === "open");
      expect(await kind.get("b").ask({ type: "get" })).to.equal(100);
    });

    it("starts promises after the commit, and anew on another node", async () => {
      const started: string[] = [];
      const machine = setup({
        types: { input: {} as string, context: {} as { key: string; done: number } },
        actors: {
          work: fromPromise<string, string>(({ input }) => {
            started.push(input);
            return started.length < 2 ? new Promise<never>(() => {}) : Promise.resolve("done");
          }),
        },
      }).createMachine({
        id: "worker",
        context: ({ input }) => ({ key: input, done: 0 }),
        initial: "idle",
        on: { "message.get": { actions: emit(({ context }) => ({ type: "reply", value: context.done })) } },
        states: {
          idle: { on: { "message.work": "working" } },
          working: {
            invoke: {
              id: "work",
              src: "work",
              input: ({ context }) => context.key,
              onDone: { target: "idle", actions: assign(({ context }) => ({ done: context.done + 1 })) },
            },
          },
        },
      });
      const options = { input: (key: string) => key, idleMs: 0 };
      const one = await stage.node("worker", machine, options);
      await one.kind.get("a").send({ type: "work" });
      await until(() => started.length === 1);
      expect(await one.kind.get("a").view()).to.equal("working");
      await stage.stop(one.runtime);
      const two = await stage.node("worker", machine, options);
      await until(async () => (await two.kind.get("a").ask({ type: "get" })) === 1);
      expect(started).to.deep.equal(["a", "a"]);
    });
  });
});
