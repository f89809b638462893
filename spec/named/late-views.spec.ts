import { expect } from "chai";
import type { StateBackend, StateSubscription } from "../../layers/state-backend.ts";
import { until } from "../layers/support/until.ts";
import { account } from "./support/account.ts";
import { Stage } from "./support/stage.ts";

describe("A watch of a named actor", () => {
  it("does not show an older view whose read ends after a newer one has arrived", async () => {
    const stage = Stage.memory();
    const view = ({ context }: { context: { balance: number } }) => context.balance;
    const { kind } = await stage.node("account", account, { view });
    await kind.get("a").ask({ type: "add", by: 1 });
    const watcher = stage.caller("account");
    const { gap, held, free } = holdReads(watcher);
    const views: unknown[] = [];
    const ending = new AbortController();
    const ended = (async () => {
      for await (const shown of watcher.get("a").watch({ signal: ending.signal })) views.push(shown);
    })();
    await until(() => views.length === 1);
    gap();
    await until(held);
    await kind.get("a").ask({ type: "add", by: 1 });
    await until(() => views.length === 2);
    free();
    await kind.get("a").ask({ type: "add", by: 1 });
    await until(() => views.at(-1) === 3);
    expect(views).to.deep.equal([1, 2, 3]);
    ending.abort();
    await ended;
    await stage.close();
  });
});

/** Holds back the replies of reads from the call of `gap` on, which announces a gap to the watchers. */
function holdReads({ state }: ReturnType<Stage["caller"]>) {
  let subscription: StateSubscription | undefined;
  let isHolding = false;
  let isHeld = false;
  let free = () => {};
  const freed = new Promise<void>((resolve) => {
    free = resolve;
  });
  const read = async (backend: StateBackend, ...args: Parameters<StateBackend["read"]>) => {
    const reply = await backend.read(...args);
    if (!isHolding) return reply;
    isHeld = true;
    await freed;
    return reply;
  };
  const run = state.run.bind(state);
  state.run = (work) =>
    run((backend) =>
      work(
        new Proxy(backend, {
          get(_, name: keyof StateBackend) {
            if (name === "read") return read.bind(undefined, backend);
            if (name !== "subscribe") return backend[name].bind(backend);
            return (...[topic, given]: Parameters<StateBackend["subscribe"]>) => {
              subscription = given;
              return backend.subscribe(topic, given);
            };
          },
        }),
      ),
    );
  const gap = () => {
    isHolding = true;
    subscription?.gap();
  };
  return { gap, held: () => isHeld, free };
}
