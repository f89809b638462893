import { expect } from "chai";
import { InvalidMessageError, InvalidNameError, NamedKindError, SnapshotError } from "greenroom";
import { createMachine } from "xstate";
import { z } from "zod";
import { partitionOf } from "../../named/keys.ts";
import { until } from "../layers/support/until.ts";
import { account, seen } from "./support/account.ts";
import { errorOf, onEachStore, partitions, Stage } from "./support/stage.ts";

describe("Named actors", () => {
  onEachStore((stage) => {
    it("exist from the first step that changes them", async () => {
      const { kind } = await stage().node("account", account, { input: () => ({ balance: 5 }) });
      const actor = kind.get("a");
      expect(await actor.view()).to.equal(undefined);
      expect(await actor.ask({ type: "get" })).to.equal(5);
      expect([await actor.view(), await kind.list(), await kind.export("a")]).to.deep.equal([
        undefined,
        [],
        undefined,
      ]);
      await actor.ask({ type: "add", by: 1 });
      expect([await actor.view(), await kind.list()]).to.deep.equal(["open", ["a"]]);
      expect(await stage().caller("account").get("a").view()).to.equal("open");
    });

    it("have their own view", async () => {
      const { kind } = await stage().node("account", account, {
        view: ({ context, value }) => ({ is: value, balance: context.balance }),
      });
      await kind.get("a").ask({ type: "add", by: 7 });
      expect(await kind.get("a").view()).to.deep.equal({ is: "open", balance: 7 });
    });

    it("are listed in pages", async () => {
      const { kind } = await stage().node("account", account);
      const names = Array.from({ length: 12 }, (_, index) => `key ${index}`);
      await Promise.all(names.map((name) => kind.get(name).ask({ type: "add", by: 1 })));
      const found: string[] = [];
      for (let page = await kind.list({ limit: 5 }); page.length > 0; ) {
        expect(page.length).to.be.at.most(5);
        found.push(...page);
        page = await kind.list({ limit: 5, after: page.at(-1) ?? "" });
      }
      expect(found).to.have.length(12).and.to.have.members(names);
      expect(await errorOf(kind.list({ limit: 1_001 }))).to.have.property("name", "InvalidOptionError");
    });

    it("begin anew after they are deleted", async () => {
      const { kind } = await stage().node("account", account);
      await kind.get("a").ask({ type: "add", by: 7 });
      expect(await kind.delete("a")).to.equal(true);
      expect([await kind.get("a").view(), await kind.list()]).to.deep.equal([undefined, []]);
      expect(await kind.get("a").ask({ type: "add", by: 1 })).to.equal(1);
    });

    it("are copied by export and import", async () => {
      const { kind } = await stage().node("account", account);
      const other = (await stage().node("copy", account)).kind;
      await kind.get("a").ask({ type: "add", by: 7 });
      const saved = await kind.export("a");
      expect(saved).to.include({ format: 1, kind: "account", key: "a", version: 1 });
      const text = JSON.parse(JSON.stringify(saved));
      await kind.get("b").ask({ type: "add", by: 1 });
      await kind.import("b", text);
      await kind.import("c", text);
      expect(await kind.get("b").ask({ type: "add", by: 1 })).to.equal(8);
      expect(await kind.get("c").ask({ type: "get" })).to.equal(7);
      expect(await errorOf(other.import("a", text))).to.be.instanceOf(SnapshotError);
      const unfit = {
        ...text,
        machine: { ...text.machine, state: { ...text.machine.state, value: "nowhere" } },
      };
      expect(await errorOf(kind.import("d", unfit))).to.be.instanceOf(SnapshotError);
      expect(await errorOf(kind.import("d", {} as never))).to.be.instanceOf(SnapshotError);
      expect(await kind.list()).to.have.members(["a", "b", "c"]);
    });

    it("refuse another number of partitions", async () => {
      await stage().node("account", account);
      const error = await errorOf(stage().caller("account", { partitions: 5 }).get("a").view());
      expect(error).to.be.instanceOf(NamedKindError);
      expect(error.message).to.include(`set \`partitions: ${partitions}\``);
    });
  });

  describe("in memory", () => {
    let stage: ReturnType<typeof Stage.simulated>;
    beforeEach(() => {
      stage = Stage.simulated();
    });
    afterEach(() => stage.close());

    it("are unknown to a runtime without their kind, and a kind is declared once", async () => {
      const runtime = stage.runtime();
      runtime.named("account", { partitions });
      expect(() => runtime.named("account", { partitions })).to.throw(NamedKindError);
      expect(() => runtime.named("bad kind")).to.throw(InvalidNameError);
      expect(() => runtime.named("other", { layer: "nowhere" })).to.throw(/not on a layer/);
    });

    it("need keys and messages that fit their schemas", async () => {
      const { kind } = await stage.node("account", account, {
        key: z.string().regex(/^\d+$/),
        messages: { add: z.object({ by: z.number() }), get: { payload: z.object({}), reply: z.number() } },
      });
      expect(() => kind.get("a")).to.throw(InvalidNameError);
      for (const key of ["", "x".repeat(101), "\ud800"])
        expect(() => kind.get(key)).to.throw(InvalidNameError);
      const actor = kind.get("1");
      expect(await errorOf(actor.send({ type: "add", by: "1" }))).to.be.instanceOf(InvalidMessageError);
      expect(await errorOf(actor.send({ type: "end" }))).to.be.instanceOf(InvalidMessageError);
      expect(await actor.ask({ type: "add", by: 1 })).to.equal(1);
      // The owner checks the messages of callers without schemas.
      const error = await errorOf(stage.caller("account").get("1").ask({ type: "add", by: "1" }));
      expect(error).to.include({ code: "invalid" });
      expect(await actor.ask({ type: "get" })).to.equal(1);
    });

    it("refuse messages without a type, and messages over 1 MiB", async () => {
      const actor = stage.caller("account").get("a");
      for (const message of [
        {},
        { type: "" },
        { type: 1 },
        undefined,
        { type: "add", text: "x".repeat(1_100_000) },
      ])
        expect(await errorOf(actor.send(message as never))).to.be.instanceOf(InvalidMessageError);
    });

    it("run their custom actions after the commit", async () => {
      const { kind } = await stage.node("account", account);
      seen.actions.length = 0;
      await kind.get("a").ask({ type: "add", by: 3 });
      expect(seen.actions).to.deep.equal(["balance 3"]);
      const exported = await kind.export("a");
      expect(exported).not.to.equal(undefined);
    });

    it("leave the memory once they are idle, and come back with their state", async () => {
      const { kind } = await stage.node("account", account, { idleMs: 0 });
      await kind.get("a").ask({ type: "add", by: 3 });
      const index = partitionOf("a", partitions);
      expect(kind.owned.get(index)?.actors.size).to.equal(1);
      await until(() => kind.owned.get(index)?.actors.size === 0);
      expect(await kind.get("a").ask({ type: "get" })).to.equal(3);
    });

    it("are kept in their final state for keepMs", async () => {
      const { kind } = await stage.node("account", account, { keepMs: 60_000 });
      const actor = kind.get("a");
      await actor.ask({ type: "add", by: 3 });
      await actor.send({ type: "end" });
      expect(await errorOf(actor.ask({ type: "get" }))).to.include({ code: "ended" });
      stage.clock.increment(59_000);
      expect(await errorOf(actor.ask({ type: "add", by: 1 }))).to.include({ code: "ended" });
      stage.clock.increment(2_000);
      await until(async () => (await kind.list()).length === 0);
      expect(await actor.ask({ type: "add", by: 1 })).to.equal(1);
    });

    it("handle a message that comes as keepMs ends, in their next life", async () => {
      const first = await stage.node("account", account, { keepMs: 60_000 });
      await first.kind.get("a").send({ type: "end" });
      await until(async () => (await first.kind.get("a").view()) === "ended");
      await stage.stop(first.runtime);
      const caller = stage.caller("account");
      await caller.get("a").send({ type: "add", by: 4 });
      stage.clock.increment(61_000);
      const { kind } = await stage.node("account", account, { keepMs: 60_000 });
      await until(async () => (await kind.get("a").view()) === "open");
      expect(await kind.get("a").ask({ type: "get" })).to.equal(4);
    });

    it("that end at once exist, too", async () => {
      const brief = createMachine({
        id: "brief",
        initial: "one",
        states: { one: { on: { "message.go": "two" } }, two: { type: "final" } },
      });
      const { kind } = await stage.node("brief", brief);
      await kind.get("a").send({ type: "go" });
      await until(async () => (await kind.get("a").view()) === "two");
    });
  });
});
