import { expect } from "chai";
import {
  createRuntime,
  MemoryLayer,
  type NamedMessageEvents,
  QueueFullError,
  StepFailedError,
} from "greenroom";
import { collectMetrics } from "greenroom/metrics";
import { assign, fromPromise, setup } from "xstate";
import { until } from "../layers/support/until.ts";
import { scrape } from "../metrics/support/scrape.ts";

interface LotMessages {
  bid: { readonly amount: number };
  appraise: object;
}

/** A negative bid fails its step, and the appraisal fails always. */
const lotMachine = setup({
  types: { context: {} as { amount: number }, events: {} as NamedMessageEvents<LotMessages> },
  actors: { appraisal: fromPromise(() => Promise.reject(new Error("The expert is ill."))) },
}).createMachine({
  context: { amount: 0 },
  initial: "open",
  states: {
    open: {
      on: {
        "message.bid": {
          actions: assign({
            amount({ event }) {
              if (event.message.amount < 0) throw new Error("A bid is not negative.");
              return event.message.amount;
            },
          }),
        },
        "message.appraise": "appraised",
      },
    },
    appraised: { invoke: { src: "appraisal" } },
  },
});

describe("Counters of named actors", () => {
  it("tell steps, failures, and what this node owns, also as metrics", async () => {
    const runtime = createRuntime({ layers: { state: new MemoryLayer() }, onError: () => {} });
    const metrics = collectMetrics(runtime);
    const lots = runtime.named("lot", lotMachine, { partitions: 4, attempts: 2 });
    runtime.named("far", { partitions: 4 });
    await runtime.ready();
    for (const key of ["1", "2", "3"]) await lots.get(key).send({ type: "bid", amount: 1 });
    const failed = await lots
      .get("1")
      .ask({ type: "bid", amount: -1 })
      .catch((error: unknown) => error);
    expect(failed).to.be.instanceOf(StepFailedError);
    await lots.get("2").send({ type: "appraise" });
    // A parked actor leaves the memory.
    await until(() => {
      const { steps, parked, active } = runtime.counters().named.lot ?? {};
      return steps === 7 && parked === 1 && active === 2;
    });
    const { lot, far } = runtime.counters().named;
    // Two tries of the negative bid, and one event of the child.
    expect(lot).to.deep.equal({
      steps: 7,
      failed: 3,
      dead: 1,
      parked: 1,
      rolledBack: 0,
      lost: 0,
      full: 0,
      owned: 4,
      active: 2,
    });
    expect(far).to.include({ steps: 0, owned: 0, active: 0 });
    const values = await scrape(metrics);
    expect(values).to.include({
      'greenroom_named_partitions{kind="lot"}': 4,
      'greenroom_named_partitions_owned{kind="lot"}': 4,
      'greenroom_named_partitions_owned{kind="far"}': 0,
      'greenroom_named_active{kind="lot"}': 2,
      'greenroom_named_steps_total{kind="lot"}': 7,
      'greenroom_named_failed_total{kind="lot"}': 3,
      'greenroom_named_dead_total{kind="lot"}': 1,
      'greenroom_named_parked_total{kind="lot"}': 1,
    });
    // This process cannot run the kind, so it does not say how many partitions need an owner.
    expect(values).not.to.have.property('greenroom_named_partitions{kind="far"}');
    metrics.close();
    await runtime.close();
  });

  it("tell the messages that a full mailbox refuses", async () => {
    const runtime = createRuntime({ layers: { state: new MemoryLayer() } });
    const far = runtime.named<LotMessages>("far", { mailbox: { capacity: 2 } }).get("1");
    const bids = [1, 2, 3].map((amount) => far.send({ type: "bid", amount }));
    const sent = await Promise.allSettled(bids);
    expect(sent.map(({ status }) => status)).to.deep.equal(["fulfilled", "fulfilled", "rejected"]);
    expect((sent[2] as PromiseRejectedResult).reason).to.be.instanceOf(QueueFullError);
    expect(runtime.counters().named.far?.full).to.equal(1);
    await runtime.close();
  });
});
