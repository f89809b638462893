import { expect } from "chai";
import { until } from "../layers/support/until.ts";
import { account } from "./support/account.ts";
import { onEachStore, type Stage } from "./support/stage.ts";

/** Watches an actor, and collects what it gets. */
function watch(lots: ReturnType<Stage["caller"]>, key: string) {
  const ending = new AbortController();
  const views: unknown[] = [];
  const ended = (async () => {
    for await (const view of lots.get(key).watch({ signal: ending.signal })) views.push(view);
  })();
  const stop = () => {
    ending.abort();
    return ended;
  };
  return { views, stop };
}

const balance = { view: ({ context }: { context: { balance: number } }) => context.balance };

describe("Watching a named actor", () => {
  onEachStore((stage) => {
    it("shows the view now and each new view, on any node, without creating the actor", async () => {
      const { kind } = await stage().node("account", account, balance);
      const watches = [watch(kind, "a"), watch(stage().caller("account"), "a"), watch(kind, "a")];
      await until(() => watches.every(({ views }) => views.length === 1));
      expect(await kind.list()).to.deep.equal([]);
      for (const sum of [1, 2, 3]) {
        await kind.get("a").ask({ type: "add", by: 1 });
        await until(() => watches.every(({ views }) => views.at(-1) === sum));
      }
      await kind.get("a").ask({ type: "add", by: 0 });
      await Promise.all(watches.map(({ stop }) => stop()));
      for (const { views } of watches) expect(views).to.deep.equal([undefined, 1, 2, 3]);
    });

    it("goes on across a deletion, an import and a change of the owner", async () => {
      const { kind, runtime } = await stage().node("account", account, balance);
      await kind.get("a").ask({ type: "add", by: 5 });
      const saved = await kind.export("a");
      const watched = watch(stage().caller("account"), "a");
      await until(() => watched.views.at(-1) === 5);
      await kind.get("a").ask({ type: "add", by: 1 });
      await until(() => watched.views.at(-1) === 6);
      await kind.delete("a");
      await until(() => watched.views.at(-1) === undefined);
      await kind.get("a").ask({ type: "add", by: 1 });
      await until(() => watched.views.at(-1) === 1);
      if (saved !== undefined) await kind.import("a", saved);
      await until(() => watched.views.at(-1) === 5);
      await stage().stop(runtime);
      const two = await stage().node("account", account, balance);
      await two.kind.get("a").ask({ type: "add", by: 2 });
      await until(() => watched.views.at(-1) === 7);
      await watched.stop();
    });

    it("ends when the runtime closes, and at once with an aborted signal", async () => {
      const { kind, runtime } = await stage().node("account", account, balance);
      const watched = watch(kind, "a");
      await until(() => watched.views.length === 1);
      await stage().stop(runtime);
      await watched.stop();
      const views: unknown[] = [];
      for await (const view of kind.get("a").watch({ signal: AbortSignal.abort() })) views.push(view);
      expect(views).to.deep.equal([]);
    });
  });
});
