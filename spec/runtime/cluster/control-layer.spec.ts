import { expect } from "chai";
import {
  createRuntime,
  handlers,
  MemoryBus,
  MemoryLayer,
  NoControlLayerError,
  WebSocketConsumer,
} from "greenroom";
import { until } from "../../layers/support/until.ts";
import { unlessByMachine } from "../../support/serving.ts";
import { Clerk, codeOf, opened, stopCluster } from "../support/cluster.ts";

type Call = (consumer: Member) => unknown;

/** Makes the call of its scope while it connects. */
class Member extends WebSocketConsumer<{ messages: { note: object } }> {
  static override readonly layer = "chat";
  static override readonly on = handlers<Member>({ note() {} });
  override async connect() {
    await this.accept();
    await this.groupAdd("room");
    await (this.scope.user as Call | undefined)?.(this);
  }
}

const layers = (bus = new MemoryBus()) => ({ chat: new MemoryLayer({ bus }), orders: new MemoryLayer() });

const note = { type: "note" } as const;

describe("A runtime with several layers", () => {
  afterEach(stopCluster);

  describe("and without `control`", () => {
    it("refuses the calls that concern all nodes, and names the layers", async () => {
      const runtime = opened(createRuntime({ layers: layers() }));
      const calls: Record<string, () => unknown> = {
        disconnect: () => runtime.disconnect("user.42"),
        count: () => runtime.count("user.42"),
        presence: () => runtime.presence("lobby"),
        presenceCount: () => runtime.presenceCount("lobby"),
        askGroup: () => runtime.askGroup("room", note, { layer: "chat" }),
        ask: () => runtime.ask("ffff!1", note, { timeoutMs: 50 }),
        send: () => runtime.send("ffff!1", note),
      };
      for (const [name, call] of Object.entries(calls)) {
        const error: unknown = await (async () => call())().catch((reason: unknown) => reason);
        expect(error, name).to.be.instanceOf(NoControlLayerError);
        expect((error as Error).message).to.equal(
          `${name}() concerns all nodes, and needs to know which layer connects them. This runtime has ` +
            'several layers: chat, orders. Choose one of them: createRuntime({ control: "chat" }).',
        );
      }
      expect(runtime.counters().dropped["dead-letter"]).to.equal(0);
    });

    it("refuses tags, presence and watches of its consumers", async () => {
      const runtime = opened(createRuntime({ layers: layers(), onError() {} }));
      const calls: Record<string, Call> = {
        tag: (consumer) => consumer.tag("user.42"),
        track: (consumer) => consumer.track("lobby"),
        watch: (consumer) => consumer.watch("lobby"),
        presence: (consumer) => consumer.presence("lobby"),
        send: (consumer) => consumer.sendTo("ffff!1", note),
        askGroup: (consumer) => consumer.askGroup("room", note),
      };
      for (const [name, call] of Object.entries(calls)) {
        const error: unknown = await runtime.spawn(Member, { user: call }).then(
          () => undefined,
          (reason: unknown) => reason,
        );
        expect(codeOf(error), name).to.equal("ERR_NO_CONTROL_LAYER");
        expect((error as Error).message).to.match(new RegExp(`^${name}\\(\\) concerns all nodes`));
      }
    });

    it("reaches the groups, and the actors of its own node", async () => {
      const runtime = opened(createRuntime({ layers: layers() }));
      const clerk = await runtime.spawn(Clerk);
      expect(await runtime.ask(clerk.channel, { type: "add", numbers: [1, 2] })).to.equal(3);
      await runtime.send(clerk.channel, { type: "note", text: "here" });
      expect((await clerk.outgoing.next()).value).to.equal("here");
      await clerk.stop();
      await runtime.send(clerk.channel, { type: "note", text: "too late" });
      expect(runtime.counters().dropped["dead-letter"]).to.equal(1);
    });

    it("reports that the result of a job cannot reach a submitter on another node", async () => {
      const bus = new MemoryBus();
      const failures: unknown[] = [];
      const other = opened(createRuntime({ layers: { chat: new MemoryLayer({ bus }) } }));
      const worker = opened(
        createRuntime({ layers: layers(bus), onError: unlessByMachine((error) => failures.push(error)) }),
      );
      const submitter = await other.spawn(Member);
      await worker.worker("jobs", () => {}, { layer: "chat" });
      await other.submit("jobs", { type: "job" }, { replyTo: submitter.channel });
      await until(() => failures.length > 0);
      expect(failures.map(codeOf)).to.deep.equal(["ERR_NO_CONTROL_LAYER"]);
    });
  });

  it("tells the other nodes apart with `control`, next to a runtime that has only this layer", async () => {
    const bus = new MemoryBus();
    const old = opened(createRuntime({ layers: { chat: new MemoryLayer({ bus }) } }));
    const latest = opened(createRuntime({ layers: layers(bus), control: "chat" }));
    await Promise.all([old.ready(), latest.ready()]);
    const session = await latest.spawn(Member, { user: (member: Member) => member.tag("user.42") });
    expect(await old.disconnect("user.42", 4001, "Signed out")).to.deep.equal({ count: 1, missing: [] });
    expect(await session.done).to.include({ code: 4001 });
  });
});

describe("A runtime without layers", () => {
  afterEach(stopCluster);

  it("is complete, so that no call needs another node", async () => {
    const runtime = opened(createRuntime());
    expect(await runtime.disconnect("user.42")).to.deep.equal({ count: 0, missing: [] });
    expect(runtime.presenceCount("lobby")).to.equal(0);
  });
});
