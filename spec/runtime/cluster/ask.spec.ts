import { expect } from "chai";
import {
  AskFailedError,
  createRuntime,
  type Effect,
  InvalidOptionError,
  MemoryBus,
  MemoryLayer,
  type MessageEvents,
  machineConsumer,
} from "greenroom";
import { emit, SimulatedClock, setup } from "xstate";
import { until } from "../../layers/support/until.ts";
import { unlessByMachine } from "../../support/serving.ts";
import { Clerk, codeOf, opened, query, startCluster, stopCluster } from "../support/cluster.ts";

const failureOf = (asking: Promise<unknown>) =>
  asking.then(
    (value) => ({ code: "answered", message: String(value) }),
    (error: Error & { code: string }) => ({ code: error.code, message: error.message }),
  );

describe("An ask", () => {
  afterEach(stopCluster);

  for (const where of ["to an actor on the same node", "to an actor on another node"]) {
    describe(where, () => {
      async function start(options: object = {}) {
        const failures: unknown[] = [];
        const [here, other] = await startCluster(2, {
          onError: unlessByMachine((error) => failures.push(error)),
          ...options,
        });
        const there = where === "to an actor on the same node" ? here : other;
        return { here, there, failures, actor: await there.spawn(Clerk) };
      }

      it("resolves with a copy of the value that the handler returns or resolves with", async () => {
        const { here, actor } = await start();
        const answers = await Promise.all([
          here.ask<string>(actor.channel, { type: "note", text: "this" }),
          here.ask<number>(actor.channel, { type: "add", numbers: [1, 2, 3] }),
          here.ask(actor.channel, { type: "fail", how: "not" }),
        ]);
        expect(answers).to.deep.equal(["noted this", 6, undefined]);
      });

      it("rejects with the message of the handler's error, which goes to onError, too", async () => {
        const { here, actor, failures } = await start();
        for (const how of ["throw", "reject"]) {
          const { code, message } = await failureOf(here.ask(actor.channel, { type: "fail", how }));
          expect(code).to.equal("ERR_ASK_FAILED");
          expect(message).to.match(/did not reply: (thrown|rejected)$/);
        }
        expect(failures.map((error) => (error as Error).message)).to.deep.equal(["thrown", "rejected"]);
        expect(await here.ask(actor.channel, { type: "add", numbers: [1] })).to.equal(1);
      });

      it("rejects if reading the handler's error or returned value throws", async () => {
        const evil = () => {
          throw Object.assign(new Error(), { message: Symbol("evil") });
        };
        class Evil extends Clerk {
          static override readonly supervision = { onFailure: "resume" } as const;
          static override readonly on = {
            ...Clerk.on,
            fail: async () => evil(),
            odd: async () => Object.defineProperty({}, "field", { get: evil, enumerable: true }),
          };
        }
        const { here, there } = await start();
        const { channel } = await there.spawn(Evil);
        for (const type of ["fail", "odd"]) {
          expect(await failureOf(here.ask(channel, { type }))).to.have.property("code", "ERR_ASK_FAILED");
        }
        expect(await here.ask(channel, { type: "add", numbers: [1, 2] })).to.equal(3);
      });

      it("rejects if a message cannot hold the returned value", async () => {
        const { here, actor } = await start();
        const { code, message } = await failureOf(here.ask(actor.channel, { type: "odd" }));
        expect(code).to.equal("ERR_ASK_FAILED");
        expect(message).to.contain("the returned value cannot be sent").and.to.contain("instance of Map");
      });

      it("rejects if the actor does not handle the type", async () => {
        const { here, there, actor } = await start();
        for (const type of ["no_such_type", "__proto__", "constructor", "connect"]) {
          const { code, message } = await failureOf(here.ask(actor.channel, { type }));
          expect(code).to.equal("ERR_ASK_FAILED");
          expect(message).to.contain(`the actor does not handle "${type}"`);
        }
        expect(there.counters().dropped.unhandled).to.equal(4);
        expect(await here.ask(actor.channel, { type: "add", numbers: [1] })).to.equal(1);
      });

      it("rejects at once if the actor does not exist or has stopped", async () => {
        const { here, there, actor } = await start();
        await actor.stop();
        const asking = here.ask(actor.channel, { type: "note", text: "?" }, { timeoutMs: 2 ** 31 - 1 });
        expect(await failureOf(asking)).to.deep.equal({
          code: "ERR_NO_SUCH_ACTOR",
          message: `"${actor.channel}" cannot be asked: its node has no such actor, or the actor stopped.`,
        });
        const inbox = await there.layers.chat.newChannel({ deliver() {}, gap() {} });
        expect((await failureOf(here.ask(inbox, { type: "note" }))).message).to.contain(
          "not the channel of an actor",
        );
      });

      it("rejects if the mailbox overflows and drops the message", async () => {
        class Full extends Clerk {
          static override readonly mailbox = { capacity: 1, overflow: "drop-oldest" } as const;
        }
        class Stubborn extends Clerk {
          static override readonly mailbox = { capacity: 1, overflow: "drop-newest" } as const;
        }
        const { here, there } = await start({ handlerGraceMs: 10 });
        for (const [Consumer, which] of [
          [Full, 0],
          [Stubborn, 1],
        ] as const) {
          const { channel } = await there.spawn(Consumer);
          await here.send(channel, { type: "hold" });
          const asked = [1, 2].map((number) =>
            failureOf(here.ask(channel, { type: "add", numbers: [number] })),
          );
          const { code, message } = (await asked[which]) ?? {};
          expect(code).to.equal("ERR_ASK_FAILED");
          expect(message).to.contain("the message was dropped: the mailbox is full");
        }
      });

      it("rejects if the actor stops before its handler runs, but awaits a running handler", async () => {
        const { here, there, actor } = await start();
        const bystander = await there.spawn(Clerk);
        const asked = [{ type: "hold" }, { type: "add", numbers: [1] }].map((message) =>
          failureOf(here.ask(actor.channel, message)),
        );
        expect((await actor.outgoing.next()).value).to.equal("holding");
        // The asks before it take the same path, so they have arrived, too.
        await here.ask(bystander.channel, { type: "add", numbers: [] });
        void actor.stop();
        const [begun, waiting] = await Promise.all(asked);
        expect(begun?.code).to.equal("answered");
        expect(waiting).to.include({ code: "ERR_ASK_FAILED" });
        expect(waiting?.message).to.contain("the actor is closing");
      });

      it("rejects if the actor stops before its handler has finished", async () => {
        class Stuck extends Clerk {
          override get signal() {
            return new AbortController().signal;
          }
        }
        const { here, there } = await start({ handlerGraceMs: 10 });
        const actor = await there.spawn(Stuck);
        const asking = failureOf(here.ask(actor.channel, { type: "hold" }));
        expect((await actor.outgoing.next()).value).to.equal("holding");
        await actor.stop();
        expect((await asking).message).to.contain("the actor has stopped");
      });

      it("rejects if the handler exceeds its own timeout", async () => {
        class Hurried extends Clerk {
          static override readonly handlerTimeoutMs = 5;
        }
        const { here, there } = await start();
        const { channel } = await there.spawn(Hurried);
        const { code, message } = await failureOf(here.ask(channel, { type: "hold" }));
        expect([code, message.includes("had not settled after 5 ms")]).to.deep.equal([
          "ERR_ASK_FAILED",
          true,
        ]);
      });

      it("rejects after its timeout, and counts a late reply", async () => {
        const clock = new SimulatedClock();
        const { here, actor } = await start({ clock });
        const asking = failureOf(here.ask(actor.channel, { type: "hold" }, { timeoutMs: 1_000 }));
        for (let turns = 0; turns < 10; turns += 1) await new Promise(setImmediate);
        clock.increment(999);
        clock.increment(1);
        expect(await asking).to.deep.equal({
          code: "ERR_ASK_TIMEOUT",
          message: `"${actor.channel}" did not reply within 1000 ms.`,
        });
        await actor.stop();
        await until(() => here.counters().dropped.late === 1);
      });

      it("ends at the timeout if two actors ask each other inside their handlers", async () => {
        const { here, there, actor } = await start();
        const other = await here.spawn(Clerk);
        const asking = other.ask({ type: "relay", to: actor.channel, timeoutMs: 50 });
        expect(await failureOf(asking)).to.include({ code: "ERR_ASK_FAILED" });
        expect(await there.ask(actor.channel, { type: "add", numbers: [1] })).to.equal(1);
        expect(await here.ask(other.channel, { type: "add", numbers: [2] })).to.equal(2);
      });

      it("rejects if an actor asks itself", async () => {
        const { here, actor } = await start();
        expect((await failureOf(here.ask(actor.channel, { type: "self" }))).message).to.contain(
          "cannot ask itself",
        );
      });

      it("resolves with the answer that a machine emits", async () => {
        const sums = setup({
          types: { events: {} as MessageEvents<{ add: { numbers: number[] } }>, emitted: {} as Effect },
        }).createMachine({
          on: {
            "message.add": {
              actions: emit(({ event }) => ({ type: "reply", value: event.message.numbers.length }) as never),
            },
          },
        });
        const { here, there } = await start();
        const { channel } = await there.spawn(machineConsumer(sums, { layer: "chat" }));
        expect(await here.ask(channel, { type: "add", numbers: [1, 2] })).to.equal(2);
        expect((await failureOf(here.ask(channel, { type: "sub" }))).message).to.contain('not handle "sub"');
      });
    });
  }

  it("rejects after its timeout if no known node has the channel", async () => {
    const [here] = await startCluster(1);
    const asking = here.ask("0123456789!1", { type: "note" }, { timeoutMs: 20 });
    expect(await failureOf(asking)).to.deep.equal({
      code: "ERR_NO_SUCH_ACTOR",
      message: 'The node of "0123456789!1" was not found within 20 ms: it has left, or cannot be reached.',
    });
  });

  it("waits until the node of the channel is known", async () => {
    const bus = new MemoryBus();
    const [here] = await startCluster(1, {}, bus);
    const late = opened(createRuntime({ layers: { chat: new MemoryLayer({ bus }) } }));
    const asking = here.ask(`${late.node}!2`, { type: "add", numbers: [4] });
    const actor = await late.spawn(Clerk);
    expect(["ERR_NO_SUCH_ACTOR", 4]).to.include(await asking.catch(codeOf));
    expect(await here.ask(actor.channel, { type: "add", numbers: [4] })).to.equal(4);
  });

  it("rejects if the asking runtime closes", async () => {
    const [here, there] = await startCluster(2);
    const actors = await Promise.all([there.spawn(Clerk), there.spawn(Clerk)]);
    const asking = failureOf(here.ask(actors[0].channel, { type: "hold" }));
    const closing = here.close();
    expect(await asking).to.include({ code: "ERR_RUNTIME_CLOSED" });
    expect(await failureOf(here.ask(actors[0].channel, { type: "hold" }))).to.include({
      code: "ERR_RUNTIME_CLOSED",
    });
    await closing;
    expect(await failureOf(here.send(actors[0].channel, { type: "hold" }))).to.include({
      code: "ERR_RUNTIME_CLOSED",
    });
  });

  it("rejects at once if the actor's node leaves", async () => {
    class Stuck extends Clerk {
      override get signal() {
        return new AbortController().signal;
      }
    }
    const [here, there] = await startCluster(2, { handlerGraceMs: 10 });
    const actor = await there.spawn(Stuck);
    const asking = failureOf(here.ask(actor.channel, { type: "hold" }, { timeoutMs: 100_000 }));
    expect((await actor.outgoing.next()).value).to.equal("holding");
    await there.close({ drainMs: 10 });
    expect((await asking).code).to.be.oneOf(["ERR_ASK_FAILED", "ERR_NO_SUCH_ACTOR"]);
    // The answer and the announcement are in different queues, and no order is guaranteed between these.
    await until(() => here.nodes.length === 1);
  });

  it("refuses an invalid timeout", async () => {
    const [here] = await startCluster(1);
    for (const timeoutMs of [0, 1.5, Number.NaN, 2 ** 31, "5"]) {
      const options = { timeoutMs: timeoutMs as number };
      expect(await here.ask("a!b", { type: "note" }, options).catch((error) => error)).to.be.instanceOf(
        InvalidOptionError,
      );
    }
  });

  describe("on a layer that loses messages", () => {
    /** Loses one direct send of each type in `losing`, and sends one of each type in `repeating` twice. */
    class LossyLayer extends MemoryLayer {
      readonly losing = new Set<string>();
      readonly repeating = new Set<string>();
      override async send(...args: Parameters<MemoryLayer["send"]>): Promise<void> {
        const { type } = args[1];
        if (this.losing.delete(type)) return;
        await super.send(...args);
        if (this.repeating.delete(type)) await super.send(...args);
      }
    }
    async function startLossy(options: object = {}) {
      const bus = new MemoryBus();
      const layers = [0, 1, 2].map(() => new LossyLayer({ bus }));
      const runtimes = layers.map((chat) => opened(createRuntime({ layers: { chat }, ...options })));
      const [here, there, third] = runtimes;
      const [near, far, farthest] = layers;
      if (!here || !there || !third || !near || !far || !farthest) throw new Error("There are three.");
      await Promise.all(runtimes.map((runtime) => runtime.ready()));
      await until(() => runtimes.every(({ nodes }) => nodes.length === 3));
      return { here, there, third, near, far, farthest };
    }

    it("rejects after its timeout if the ask or its reply is lost, and the next ask resolves", async () => {
      const { here, there, near, far } = await startLossy();
      const { channel } = await there.spawn(Clerk);
      near.losing.add("greenroom.ask");
      far.losing.add("greenroom.reply");
      const ask = (timeoutMs: number) =>
        failureOf(here.ask(channel, { type: "add", numbers: [1] }, { timeoutMs }));
      expect((await ask(20)).code).to.equal("ERR_ASK_TIMEOUT");
      expect((await ask(20)).code).to.equal("ERR_ASK_TIMEOUT");
      expect(await ask(5_000)).to.deep.equal({ code: "answered", message: "1" });
    });

    it("to a group lists a node as missing if part of its reply is lost", async () => {
      const { here, there, far } = await startLossy();
      for (let count = 0; count < 5; count += 1) await there.spawn(Clerk, query("group=clerks"));
      far.losing.add("greenroom.gathered");
      const asked = await here.askGroup("clerks", { type: "note", text: "x".repeat(60_000) });
      expect(asked.missing).to.deep.equal([there.node]);
      expect(asked.replies.length).to.be.within(1, 4);
    });

    it("to a group counts a reply once if the layer delivers it twice", async () => {
      const clock = new SimulatedClock();
      const { here, there, third, far, farthest } = await startLossy({ clock });
      const { channel } = await there.spawn(Clerk, query("group=clerks"));
      far.repeating.add("greenroom.gathered");
      // The ask is still pending when the second copy arrives.
      farthest.losing.add("greenroom.gathered");
      const asking = here.askGroup("clerks", { type: "add", numbers: [1] }, { timeoutMs: 200 });
      await until(() => far.repeating.size === 0);
      // The answer takes the path of both copies, so they have arrived, too.
      await here.ask(channel, { type: "add", numbers: [] });
      clock.increment(200);
      const asked = await asking;
      expect(asked.replies.map(({ node }) => node)).to.deep.equal([there.node]);
      expect(asked.missing).to.deep.equal([third.node]);
    });
  });

  describe("through an ActorRef", () => {
    it("resolves or rejects like an ask by channel", async () => {
      const [here] = await startCluster(1);
      const actor = await here.spawn(Clerk);
      expect(await actor.ask<number>({ type: "add", numbers: [1, 1] })).to.equal(2);
      expect(await actor.ask({ type: "odd" }).catch((error) => error)).to.be.instanceOf(AskFailedError);
      await actor.stop();
      expect((await failureOf(actor.ask({ type: "add", numbers: [] }))).message).to.contain(
        "the actor has stopped",
      );
    });
  });

  describe("to a group", () => {
    it("collects the replies and failures of its members on all nodes", async () => {
      const [here, there, far] = await startCluster(3);
      const actors = [];
      for (const runtime of [here, there, far]) {
        actors.push(
          await runtime.spawn(Clerk, query("group=clerks")),
          await runtime.spawn(Clerk, query("group=clerks")),
        );
      }
      await here.spawn(Clerk, query("group=others"));
      const { replies, failures, missing } = await here.askGroup("clerks", { type: "add", numbers: [2] });
      expect([failures, missing]).to.deep.equal([[], []]);
      expect(replies.map(({ channel }) => channel)).to.have.members(actors.map(({ channel }) => channel));
      expect(new Set(replies.map(({ node }) => node))).to.deep.equal(
        new Set([here.node, there.node, far.node]),
      );
      expect(replies.every(({ value }) => value === 2)).to.equal(true);
      const failed = await here.askGroup("clerks", { type: "fail", how: "throw" });
      expect([failed.replies, failed.missing]).to.deep.equal([[], []]);
      expect(failed.failures).to.have.length(6);
      expect(failed.failures[0]?.reason).to.equal("thrown");
    });

    it("resolves with empty lists if the group is empty", async () => {
      const [here] = await startCluster(2);
      expect(await here.askGroup("nobody", { type: "note" })).to.deep.equal({
        replies: [],
        failures: [],
        missing: [],
      });
    });

    it("resolves at the timeout, with a failure for each member that has not replied", async () => {
      const clock = new SimulatedClock();
      const [here, there] = await startCluster(2, { clock });
      const quick = await there.spawn(Clerk, query("group=clerks"));
      const slow = await there.spawn(Clerk, query("group=clerks"));
      await slow.ask({ type: "add", numbers: [] });
      slow.send({ type: "hold" });
      expect((await slow.outgoing.next()).value).to.equal("holding");
      const asking = here.askGroup("clerks", { type: "note", text: "to all" }, { timeoutMs: 1_000 });
      expect((await quick.outgoing.next()).value).to.equal("to all");
      // Handled after the note, so the note was answered. The node has asked both members at once.
      await quick.ask({ type: "add", numbers: [] });
      // The deadline of the other node.
      clock.increment(750);
      const { replies, failures, missing } = await asking;
      expect(replies.map(({ channel }) => channel)).to.deep.equal([quick.channel]);
      expect(failures).to.deep.equal([
        { channel: slow.channel, node: there.node, reason: "the actor did not reply in time" },
      ]);
      expect(missing).to.deep.equal([]);
    });

    it("leaves out the member that asks, because it cannot reply meanwhile", async () => {
      const [here, there] = await startCluster(2);
      const asker = await here.spawn(Clerk, query("group=clerks"));
      await there.spawn(Clerk, query("group=clerks"));
      expect(await asker.ask({ type: "poll", group: "clerks" })).to.equal(1);
    });

    it("collects replies that need several messages", async () => {
      const text = "x".repeat(60_000);
      const [here, there] = await startCluster(2);
      for (let count = 0; count < 30; count += 1) await there.spawn(Clerk, query("group=clerks"));
      const { replies, missing } = await here.askGroup("clerks", { type: "note", text });
      expect([replies.length, missing]).to.deep.equal([30, []]);
      expect(replies[29]?.value).to.equal(`noted ${text}`);
    });

    it("rejects if the layer is unknown, or ambiguous, or if the name of the group is invalid", async () => {
      const layers = () => ({ chat: new MemoryLayer(), queue: new MemoryLayer() });
      const undecided = opened(createRuntime({ layers: layers() }));
      const runtime = opened(createRuntime({ layers: layers(), control: "queue" }));
      const codes = [
        await undecided.askGroup("clerks", { type: "note" }).catch(codeOf),
        await opened(createRuntime()).askGroup("clerks", { type: "note" }).catch(codeOf),
        await runtime.askGroup("clerks", { type: "note" }, { layer: "toString" }).catch(codeOf),
        await runtime.askGroup("not ok", { type: "note" }, { layer: "chat" }).catch(codeOf),
      ];
      expect(codes).to.deep.equal([
        "ERR_NO_CONTROL_LAYER",
        "ERR_UNKNOWN_LAYER",
        "ERR_UNKNOWN_LAYER",
        "ERR_INVALID_NAME",
      ]);
      await runtime.spawn(Clerk, query("group=clerks"));
      const { replies } = await runtime.askGroup("clerks", { type: "add", numbers: [] }, { layer: "chat" });
      expect(replies).to.have.length(1);
    });
  });
});
