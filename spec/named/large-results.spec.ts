import { expect } from "chai";
import { assign, emit, setup } from "xstate";
import type { NamedEffect, NamedMessageEvents } from "../../actors/index.ts";
import { StepFailedError } from "../../named/errors.ts";
import { until } from "../layers/support/until.ts";
import { errorOf, Stage } from "./support/stage.ts";

const mebi = 1024 * 1024;

const machine = setup({
  types: {
    context: {} as { steps: number },
    events: {} as NamedMessageEvents<{ fail: Record<never, never>; echo: { bytes: number } }>,
    emitted: {} as NamedEffect,
  },
}).createMachine({
  context: { steps: 0 },
  on: {
    "message.fail": {
      actions: assign(() => {
        throw new Error("x".repeat(2 * mebi));
      }),
    },
    "message.echo": {
      actions: [
        assign({ steps: ({ context }) => context.steps + 1 }),
        emit(({ event }) => ({ type: "reply", value: "x".repeat(event.message.bytes) })),
      ],
    },
  },
});

const view = ({ context }: { context: { steps: number } }) => context.steps;

describe("A named actor", () => {
  let stage: Stage;

  beforeEach(() => {
    stage = Stage.memory();
  });

  afterEach(() => stage.close());

  it("fails a step whose error is larger than any record, and continues", async () => {
    const { kind } = await stage.node("echo", machine, { view, attempts: 1 });
    const caller = stage.caller("echo");
    for (const { get } of [kind, caller].map((one) => ({ get: () => one.get("a") }))) {
      expect(await errorOf(get().ask({ type: "fail" }))).to.be.instanceOf(StepFailedError);
      expect(await get().ask({ type: "echo", bytes: 1 })).to.equal("x");
    }
  });

  it("does not take a step twice whose answer is too large for another node", async () => {
    await stage.node("echo", machine, { view });
    const caller = stage.caller("echo").get("a");
    expect(await caller.ask({ type: "echo", bytes: 1 })).to.equal("x");
    // The value fits into a message, but not together with the name of the ask.
    const bytes = mebi - 60;
    expect(await errorOf(caller.ask({ type: "echo", bytes }))).to.be.instanceOf(StepFailedError);
    expect(await caller.view()).to.equal(1);
  });

  it("is parked if it cannot be loaded again after a step that cannot be stored", async () => {
    const old = await stage.node("echo", machine, { view });
    await old.kind.get("a").send({ type: "echo", bytes: 1 });
    await until(async () => (await old.kind.get("a").view()) === 1);
    await stage.stop(old.runtime);
    let loads = 0;
    const { kind } = await stage.node("echo", machine, {
      version: 2,
      migrate: (saved) => {
        loads += 1;
        if (loads > 1) throw new Error("cannot be migrated again");
        return saved;
      },
      view: () => {
        throw new Error("has no view");
      },
    });
    await kind.get("a").send({ type: "echo", bytes: 1 });
    await until(() => kind.counts.parked === 1);
  });
});
