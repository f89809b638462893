import { expect } from "chai";
import { machineConsumer, type Scope } from "greenroom";
import { setup } from "xstate";
import type { ConsumerActor } from "../../../runtime/actor/actor.ts";
import { internals } from "../../../runtime/internals.ts";
import { until } from "../../layers/support/until.ts";
import { nextTurn } from "../../support/next-turn.ts";
import { stopServing } from "../../support/serving.ts";
import { begin, Recorder } from "../support/session-rig.ts";

describe("A session that comes and goes", () => {
  afterEach(stopServing);

  it("tells the consumer in turn, once for each stay, however often the client comes and goes", async () => {
    const { client, cut, resume, runtime } = await begin();
    client.send("hold");
    await until(() => Recorder.log.includes("hold"));
    await cut();
    for (let attempt = 1; attempt <= 5; attempt += 1) {
      const again = await resume(attempt, 0, `?tab=${attempt}`);
      await again.nextControl();
      if (attempt < 5) await cut(again);
    }
    expect(Recorder.log).to.deep.equal(["hold"]);
    const [actor] = runtime[internals].context.supervisor.children;
    expect((actor as ConsumerActor).mailbox.size).to.equal(1);
    Recorder.hold.open();
    await until(() => Recorder.log.length === 3);
    expect(Recorder.log).to.deep.equal(["hold", "onAway", "onOnline 5"]);
  });

  it("tells the consumer nothing of a return that is over by then", async () => {
    const { cut, resume } = await begin();
    await cut();
    await until(() => Recorder.log.includes("onAway"));
    const again = await resume(1, 0);
    await again.nextControl();
    await until(() => Recorder.log.length === 2);
    again.send("hold");
    await until(() => Recorder.log.includes("hold"));
    await cut(again);
    const third = await resume(2, 0);
    await third.nextControl();
    await cut(third);
    Recorder.hold.open();
    await until(() => Recorder.log.length === 4);
    expect(Recorder.log).to.deep.equal(["onAway", "onOnline null", "hold", "onAway"]);
  });

  it("tells the consumer nothing of a return that is over before onAway has settled", async () => {
    class Pending extends Recorder {
      override async onAway() {
        super.onAway();
        await Recorder.hold.opened;
      }
    }
    const { cut, resume } = await begin({}, Pending);
    await cut();
    await until(() => Recorder.log.includes("onAway"));
    const again = await resume(1, 0);
    await again.nextControl();
    await cut(again);
    Recorder.hold.open();
    await nextTurn();
    await (await resume(2, 0, "?tab=2")).nextControl();
    await until(() => Recorder.log.includes("onOnline 2"));
    expect(Recorder.log).to.deep.equal(["onAway", "onOnline 2"]);
  });

  it("tells the consumer of the return even if onAway fails", async () => {
    class Failing extends Recorder {
      static override readonly supervision = { onFailure: "resume" } as const;
      override onAway() {
        super.onAway();
        throw new Error("thrown");
      }
      override async onOnline(scope: Scope) {
        super.onOnline(scope);
        throw new Error("thrown");
      }
    }
    const { client, cut, resume, failures } = await begin({}, Failing);
    client.send("hold");
    await until(() => Recorder.log.includes("hold"));
    await cut();
    await (await resume(1, 0)).nextControl();
    Recorder.hold.open();
    await until(() => failures.length === 2);
    expect(Recorder.log).to.deep.equal(["hold", "onAway", "onOnline null"]);
    expect(failures.map(({ stage }) => stage)).to.deep.equal(["onAway", "onOnline"]);
  });

  it("is an event for a machine", async () => {
    const scopes: unknown[] = [];
    const machine = setup({
      types: { events: {} as { type: "away" } | { type: "online"; scope: Scope } },
    }).createMachine({
      initial: "here",
      states: {
        here: { on: { away: "gone" } },
        gone: {
          on: {
            online: { target: "here", actions: ({ event }) => scopes.push(event.scope.query.get("tab")) },
          },
        },
      },
    });
    const Machine = machineConsumer(machine as never) as never;
    const { cut, resume } = await begin({}, Machine);
    await cut();
    await (await resume(1, 0, "?tab=2")).nextControl();
    await until(() => scopes.length === 1);
    expect(scopes).to.deep.equal(["2"]);
  });
});
