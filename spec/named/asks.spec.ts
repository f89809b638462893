import { expect } from "chai";
import { OutcomeUnknownError, QueueFullError, RefusedError, StepFailedError } from "greenroom";
import { until } from "../layers/support/until.ts";
import { account } from "./support/account.ts";
import { errorOf, onEachStore, Stage } from "./support/stage.ts";

describe("Asks of named actors", () => {
  onEachStore((stage) => {
    it("are answered by the machine, also on another node, and in the order of the calls", async () => {
      const { kind } = await stage().node("account", account);
      const there = stage().caller("account");
      const [here, far] = [kind.get("a"), there.get("a")];
      await here.send({ type: "add", by: 1 });
      expect(await here.ask({ type: "add", by: 2 })).to.equal(3);
      expect(await far.ask({ type: "add", by: 4 })).to.equal(7);
      const answers = [1, 2, 3, 4, 5].map(() => far.ask({ type: "add", by: 10 }));
      expect(await Promise.all(answers)).to.deep.equal([17, 27, 37, 47, 57]);
    });

    it("are refused by the machine with a code and data", async () => {
      const { kind } = await stage().node("account", account);
      for (const lots of [kind, stage().caller("account")]) {
        const error = await errorOf(lots.get("a").ask({ type: "deny" }));
        expect(error).to.be.instanceOf(RefusedError);
        expect(error)
          .to.include({ code: "denied", message: "No." })
          .and.to.deep.include({
            data: { why: "so" },
          });
      }
      expect(await kind.list()).to.deep.equal([]);
    });

    it("are answered in a later step, by the ask of their delivery", async () => {
      const { kind } = await stage().node("account", account);
      const there = stage().caller("account");
      const first = kind.get("a").ask({ type: "wait" });
      await until(async () => (await kind.export("a")) !== undefined);
      const second = there.get("a").ask({ type: "wait" });
      await kind.get("a").send({ type: "settle", value: "one" });
      expect(await first).to.equal("one");
      await until(async () => JSON.stringify(await kind.export("a")).includes('"asks":["'));
      await there.get("a").send({ type: "settle", value: "two" });
      expect(await second).to.equal("two");
    });

    it("fail with the error of a step that fails to the last try", async () => {
      const { kind } = await stage().node("account", account, { attempts: 2 });
      const error = await errorOf(stage().caller("account").get("a").ask({ type: "fail" }));
      expect(error).to.be.instanceOf(StepFailedError).and.to.have.property("message", "The step fails.");
      expect(kind.counts).to.include({ failed: 2, dead: 1 });
      expect(await kind.list()).to.deep.equal([]);
    });

    it("are refused as ended in a final state, and as unexpected without a transition", async () => {
      const { kind } = await stage().node("account", account);
      const actor = kind.get("a");
      expect(await errorOf(actor.ask({ type: "unheard" }))).to.include({ code: "unexpected" });
      expect(await kind.list()).to.deep.equal([]);
      await actor.send({ type: "end" });
      expect(await errorOf(actor.ask({ type: "get" }))).to.include({ code: "ended" });
    });

    it("that wait in the mailbox are refused when the actor is deleted", async () => {
      // Without an owner, the message waits.
      const lots = stage().caller("account");
      const ask = errorOf(lots.get("a").ask({ type: "get" }));
      const answered: Error[] = [];
      void ask.then((error) => answered.push(error));
      await until(async () => answered.length > 0 || (await lots.delete("a")));
      expect(await ask)
        .to.be.instanceOf(RefusedError)
        .and.to.include({ code: "deleted" });
      expect(await lots.delete("a")).to.equal(false);
    });

    it("reject at their timeout, and their message is handled later", async () => {
      const lots = stage().caller("account");
      const error = await errorOf(lots.get("a").ask({ type: "add", by: 5 }, { timeoutMs: 30 }));
      expect(error).to.be.instanceOf(OutcomeUnknownError);
      const { kind } = await stage().node("account", account);
      expect(await kind.get("a").ask({ type: "get" })).to.equal(5);
    });

    it("and messages are refused by a full mailbox", async () => {
      const lots = stage().caller("account", { mailbox: { capacity: 2 } });
      const actor = lots.get("a");
      await actor.send({ type: "add", by: 1 });
      await actor.send({ type: "add", by: 1 });
      expect(await errorOf(actor.send({ type: "add", by: 1 }))).to.be.instanceOf(QueueFullError);
      expect(await errorOf(actor.ask({ type: "get" }))).to.be.instanceOf(QueueFullError);
      await lots.get("b").send({ type: "add", by: 1 });
      const { kind } = await stage().node("account", account);
      expect(await kind.get("a").ask({ type: "get" })).to.equal(2);
    });
  });

  it("share no objects with the machine", async () => {
    const stage = Stage.memory();
    try {
      const { kind } = await stage.node("account", account);
      const error = (await errorOf(kind.get("a").ask({ type: "deny" }))) as RefusedError;
      const again = (await errorOf(kind.get("a").ask({ type: "deny" }))) as RefusedError;
      expect(error.data).to.deep.equal(again.data);
      expect(error.data).not.to.equal(again.data);
    } finally {
      await stage.close();
    }
  });
});
