import { expect } from "chai";
import { emit, setup } from "xstate";
import type { NamedEffect, NamedMessageEvents } from "../../actors/index.ts";
import type { Delivery } from "../../layers/message.ts";
import { until } from "../layers/support/until.ts";
import { account } from "./support/account.ts";
import { onEachStore, type Stage } from "./support/stage.ts";

/** A machine that emits the effect in its message. */
const speaker = setup({
  types: {
    events: {} as NamedMessageEvents<{ emit: { effect: NamedEffect } }>,
    emitted: {} as NamedEffect,
  },
}).createMachine({
  id: "speaker",
  on: { "message.emit": { actions: emit(({ event }) => event.message.effect) } },
});

describe("The effects of named actors", () => {
  onEachStore((stage) => {
    async function start(): Promise<{
      readonly emit: (effect: object) => Promise<void>;
      readonly accounts: ReturnType<Stage["caller"]>;
    }> {
      const { kind, runtime } = await stage().node("speaker", speaker);
      const accounts = stage().caller("account", {}, runtime);
      return { accounts, emit: (effect) => kind.get("a").send({ type: "emit", effect }) };
    }

    it("send to groups with an id", async () => {
      const { emit } = await start();
      const layer = stage().runtime().layers.state;
      const got: { readonly message: object; readonly delivery: Delivery | undefined }[] = [];
      const channel = await layer.newChannel({
        deliver: ({ message, delivery }: { message: object; delivery?: Delivery }) =>
          void got.push({ message, delivery }),
        gap: () => {},
      });
      await layer.groupAdd("room", channel);
      await emit({ type: "groupSend", group: "room", message: { type: "hello", n: 1 } });
      await emit({ type: "groupSend", group: "room", message: { type: "hello", n: 2 } });
      await until(() => got.length === 2);
      expect(got.map(({ message }) => message)).to.deep.equal([
        { type: "hello", n: 1 },
        { type: "hello", n: 2 },
      ]);
      await layer.close();
    });

    it("tell other actors once, and again while their mailbox is full", async () => {
      const { emit, accounts } = await start();
      const tell = { type: "tell", kind: "account", key: "b", message: { type: "add", by: 1 } };
      for (let index = 0; index < 5; index += 1) await emit(tell);
      const owner = await stage().node("account", account);
      await until(async () => (await owner.kind.get("b").ask({ type: "get" })) === 5);
      expect(await accounts.get("b").ask({ type: "get" })).to.equal(5);
    });

    it("keep to the bounds of the mailbox of another kind", async () => {
      const { kind, runtime } = await stage().node("speaker", speaker);
      const accounts = stage().caller("account", { mailbox: { capacity: 2 } }, runtime);
      const effect = { type: "tell", kind: "account", key: "b", message: { type: "add", by: 1 } };
      for (let index = 0; index < 5; index += 1) await kind.get("a").send({ type: "emit", effect });
      await until(async () => {
        const { mailbox } = await accounts.reader.actor("b");
        const { outbox } = await kind.state.run((backend) => backend.describe(kind.partitionOf("a")));
        return mailbox === 2 && outbox === 3;
      });
    });

    it("submit jobs", async () => {
      const { emit } = await start();
      const jobs: object[] = [];
      const runtime = stage().runtime();
      const worker = await runtime.worker("jobs", async (job: object) => void jobs.push(job), {
        layer: "state",
      });
      await emit({ type: "submit", channel: "jobs", message: { type: "print", page: 3 } });
      await until(() => jobs.length === 1);
      await worker.close();
    });
  });
});
