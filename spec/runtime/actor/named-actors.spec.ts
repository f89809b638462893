import { expect } from "chai";
import {
  createRuntime,
  type Effect,
  type FrameEvents,
  LimitError,
  machineConsumer,
  type NamedActors,
  type NamedEffect,
  NamedKindError,
  type NamedMessageEvents,
  WebSocketConsumer,
} from "greenroom";
import { assign, emit, enqueueActions, setup } from "xstate";
import { until } from "../../layers/support/until.ts";
import { chat, type Failure, stopServing, unlessByMachine } from "../../support/serving.ts";
import { opened, stopCluster } from "../support/cluster.ts";

class Bidder extends WebSocketConsumer<{ messages: object }> {
  static override readonly layer = "chat";
  readonly lots = this.named<LotMessages, { extended: number }>("lot");
}

type LotMessages = { bid: object; extend: { minutes: number }; close: object };

/** Keeps its asks until it is told to close. */
const lotMachine = setup({
  types: {
    context: {} as { asks: (string | undefined)[]; extended: number },
    events: {} as NamedMessageEvents<LotMessages>,
    emitted: {} as NamedEffect,
  },
}).createMachine({
  context: { asks: [], extended: 0 },
  on: {
    "message.bid": {
      actions: assign({ asks: ({ context, event }) => [...context.asks, event.delivery.ask] }),
    },
    "message.extend": {
      actions: assign({ extended: ({ context, event }) => context.extended + event.message.minutes }),
    },
    "message.close": {
      actions: [
        enqueueActions(({ context, enqueue }) => {
          for (const to of context.asks) enqueue.emit({ type: "reply", value: "closed", to });
        }),
        assign({ asks: [] }),
      ],
    },
  },
});

const told =
  'This runtime knows no named actors of the kind "lot": call runtime.named("lot", { layer }) first.';

describe("Named actors, for the actor of a connection", () => {
  let failures: Failure[];
  let runtime: ReturnType<typeof start>;
  let bidder: Bidder | undefined;
  beforeEach(() => {
    [failures, bidder] = [[], undefined];
    runtime = start();
  });
  afterEach(() => Promise.all([stopCluster(), stopServing()]));

  const start = () =>
    opened(
      createRuntime({
        layers: chat(),
        maxAsksPerConnection: 2,
        onError: unlessByMachine((error, { stage }) => failures.push({ error, stage })),
      }),
    );
  const know = () =>
    runtime.named("lot", lotMachine, {
      layer: "chat",
      view: ({ context }) => ({ extended: context.extended }),
    }) as NamedActors<LotMessages, { extended: number }>;
  async function spawnBidder(): Promise<Bidder> {
    const actor = await runtime.spawn(
      class Named extends Bidder {
        override receive() {
          bidder = this;
        }
      },
    );
    actor.receive("hello");
    await until(() => bidder !== undefined);
    return bidder as unknown as Bidder;
  }

  it("are refused if the runtime does not know their kind", async () => {
    await runtime.spawn(Bidder).catch(() => {});
    expect(failures[0]?.error).to.be.instanceOf(NamedKindError).with.property("message", told);
  });

  it("are asked at most maxAsksPerConnection times at once", async () => {
    const known = know();
    const { lots, channel, ...consumer } = await spawnBidder().then((one) => ({
      lots: one.lots,
      channel: one.channel,
      ask: one.ask.bind(one),
    }));
    const [one, two] = [lots.get("1"), lots.get("2")];
    const asks = [one.ask({ type: "bid" }), two.ask({ type: "bid" })];
    const refused = await two.ask({ type: "bid" }).catch((error: unknown) => error);
    expect(refused).to.be.instanceOf(LimitError).with.property("limit", "maxAsksPerConnection");
    await consumer.ask(channel.replace(/.$/, "_"), { type: "bid" }).then(
      () => expect.fail("refused"),
      (error: unknown) => expect(error).to.be.instanceOf(LimitError),
    );
    for (const key of ["1", "2"]) await known.get(key).send({ type: "close" });
    expect(await Promise.all(asks)).to.deep.equal(["closed", "closed"]);
    const again = one.ask({ type: "bid" });
    await known.get("1").send({ type: "close" });
    expect(await again).to.equal("closed");
  });

  it("are sent to, read and managed as the runtime's own handles do", async () => {
    know();
    const { lots } = await spawnBidder();
    const lot = lots.get("1");
    expect([lots.kind, lot.kind, lot.key]).to.deep.equal(["lot", "lot", "1"]);
    await lot.send({ type: "extend", minutes: 5 });
    expect(runtime.counters().consumers.Named).to.include({ messagesOut: 1 });
    for await (const view of lot.watch()) if (view?.extended === 5) break;
    for await (const _view of lot.watch({ signal: AbortSignal.abort() })) expect.fail("aborted");
    expect(await lot.view()).to.deep.equal({ extended: 5 });
    const exported = await lots.export("1");
    if (exported !== undefined) await lots.import("4", exported);
    expect((await lots.list({ limit: 5 })).toSorted()).to.deep.equal(["1", "4"]);
    expect([await lots.delete("1"), await lots.delete("2")]).to.deep.equal([true, false]);
    expect(await lots.resume("4")).to.equal(false);
  });

  describe("told by a machine", () => {
    const Machine = () =>
      machineConsumer(
        setup({
          types: { events: {} as FrameEvents<{ tell: object; say: object }>, emitted: {} as Effect },
        }).createMachine({
          on: {
            "frame.tell": {
              actions: ["1", "2"].map((key) =>
                emit({ type: "tell", kind: "lot", key, message: { type: "extend", minutes: 5 } }),
              ),
            },
            "frame.say": { actions: emit({ type: "send", frame: "said" }) },
          },
        }),
      );

    it("have the messages in their mailboxes before the machine gets its next event", async () => {
      const known = runtime.named<LotMessages>("lot", { layer: "chat" });
      const actor = await runtime.spawn(Machine());
      actor.receive('{"type":"tell"}');
      actor.receive('{"type":"say"}');
      expect((await actor.outgoing.next()).value).to.equal("said");
      // The messages are still there, because no node runs the machine of the kind.
      expect([await known.delete("1"), await known.delete("2")]).to.deep.equal([true, true]);
    });

    it("fail the connection if the runtime does not know their kind", async () => {
      const actor = await runtime.spawn(Machine());
      actor.receive('{"type":"tell"}');
      expect((await actor.done).code).to.equal(1011);
      expect(failures[0]?.stage).to.equal("emit tell");
      expect(failures[0]?.error).to.be.instanceOf(NamedKindError).with.property("message", told);
    });
  });
});
