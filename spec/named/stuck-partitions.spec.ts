import { expect } from "chai";
import { type ChannelLayer, LayerUnavailableError, MemoryBus, MemoryLayer } from "greenroom";
import { emit, setup } from "xstate";
import type { NamedEffect, NamedMessageEvents } from "../../actors/index.ts";
import type { StateBackend } from "../../layers/state-backend.ts";
import { partitionOf } from "../../named/keys.ts";
import { OutboxRelay } from "../../named/owner/outbox-relay.ts";
import { until } from "../layers/support/until.ts";
import { account } from "./support/account.ts";
import { Stage } from "./support/stage.ts";

describe("Partitions of named actors", () => {
  let stage: Stage | undefined;

  afterEach(async () => {
    await stage?.close();
    stage = undefined;
  });

  it("get an owner although the store has not executed the release of the former one, which lives", async () => {
    const bus = new MemoryBus();
    const own = new Stage(() => new MemoryLayer({ bus }));
    stage = own;
    const first = own.runtime();
    const { kind } = await own.node("account", account, {}, first);
    const lost = loseFirstRelease(kind.layer);
    // A node that joins may get no partition.
    while (lost() === 0) await own.node("account", account);
  });

  it("handle all messages that waited for an owner, although one turn takes only a part of them", async () => {
    const own = Stage.memory();
    stage = own;
    const actor = own.caller("account").get("a");
    const padded = { type: "add", by: 1, padding: "x".repeat(600 * 1024) } as const;
    await Promise.all([1, 2, 3, 4].map(() => actor.send(padded)));
    const { kind } = await own.node("account", account);
    await until(() => kind.counts.steps === 4);
  });

  it("have room again once entries of the outbox behind a blocked one are delivered", async () => {
    let isBlocked = true;
    let free = () => {};
    const blocked = new Promise<void>((resolve) => {
      free = resolve;
    });
    const seen: number[] = [];
    const relay: OutboxRelay = new OutboxRelay({
      targetOf: (record) => (record.t === "group" ? record.group : ""),
      deliver: ({ record }) =>
        record.t === "group" && record.group === "blocked" && isBlocked ? blocked : Promise.resolve(),
      buried: () => {},
      progressed: () => seen.push(relay.pending),
    });
    relay.begin(0);
    for (const [index, group] of ["blocked", "a", "b"].entries())
      relay.add({ number: index + 1, record: { t: "group", group, message: { type: "news" } } });
    await until(() => relay.pending === 1);
    expect(seen.at(-1)).to.equal(1);
    isBlocked = false;
    free();
    await until(() => relay.relayed === 3);
  });

  it("handle several messages before they make way for other partitions", async () => {
    stage = Stage.memory();
    const steps: number[] = [];
    const slow = setup({
      types: {
        input: {} as { readonly key: string },
        context: {} as { readonly key: string },
        events: {} as NamedMessageEvents<{ work: Record<never, never> }>,
        emitted: {} as NamedEffect<number>,
      },
    }).createMachine({
      id: "slow",
      context: ({ input }) => input,
      on: {
        "message.work": {
          actions: emit(({ context }) => {
            steps.push(partitionOf(context.key, 64));
            for (const end = performance.now() + 0.1; performance.now() < end; );
            return { type: "reply", value: 0 };
          }),
        },
      },
    });
    const runtime = stage.runtime();
    const kind = runtime.named("slow", slow, { partitions: 64, input: (key) => ({ key }) });
    await runtime.ready();
    const keys = Array.from({ length: 512 }, (_, index) => `key ${index}`);
    await Promise.all(keys.map((key) => kind.get(key).ask({ type: "work" }, { timeoutMs: 60_000 })));
    const switches = steps.filter((partition, index) => partition !== steps[index - 1]).length;
    expect(steps).to.have.length(512);
    expect(switches).to.be.below(256);
  });
});

/** Loses the first request to release a partition. Returns a function that tells the number of lost requests. */
function loseFirstRelease(layer: ChannelLayer): () => number {
  let lost = 0;
  const { state } = layer;
  const run = state.run.bind(state);
  state.run = (work) =>
    run((backend) =>
      work(
        new Proxy(backend, {
          get(_, name: keyof StateBackend) {
            if (name !== "release" || lost > 0) return backend[name].bind(backend);
            lost += 1;
            return () => Promise.reject(new LayerUnavailableError("The request is lost."));
          },
        }),
      ),
    );
  return () => lost;
}
