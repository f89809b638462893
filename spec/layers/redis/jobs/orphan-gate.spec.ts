import { expect } from "chai";
import { OrphanGate, orphanGate } from "../../../../layers/redis/jobs/orphan-gate.ts";
import { RedisClaim } from "../../../../layers/redis/jobs/queue-claim.ts";
import { type Gate, gate } from "../../../support/gate.ts";
import { nextTurn } from "../../../support/next-turn.ts";
import { ManualClock } from "../../support/manual-clock.ts";

describe("OrphanGate", () => {
  let orphans: OrphanGate;
  let clock: ManualClock;
  let log: string[];
  let ends: Map<string, Gate>;
  let closing: AbortController;
  beforeEach(() => {
    orphans = new OrphanGate();
    clock = new ManualClock();
    log = [];
    ends = new Map();
    closing = new AbortController();
  });

  const work = (name: string) => async () => {
    log.push(name);
    const end = gate();
    ends.set(name, end);
    await end.opened;
  };

  const begin = (name: string) => void orphans.run(work(name));

  const beginOrphan = async (name: string) => {
    const turn = await orphans.enter(1_000, clock, closing.signal);
    await turn.run(work(name));
  };

  const end = async (name: string) => {
    ends.get(name)?.open();
    await nextTurn();
  };

  it("runs an orphan after the running jobs, and other jobs after the orphan", async () => {
    begin("one");
    await nextTurn();
    void beginOrphan("orphan");
    begin("two");
    await nextTurn();
    expect(log).to.deep.equal(["one"]);
    await end("one");
    expect(log).to.deep.equal(["one", "orphan"]);
    expect(orphans.isOpen).to.equal(false);
    await end("orphan");
    expect(log).to.deep.equal(["one", "orphan", "two"]);
    expect(orphans.isOpen).to.equal(true);
    expect(clock.timers.size).to.equal(0);
  });

  it("runs orphans one at a time, in order", async () => {
    void beginOrphan("first");
    void beginOrphan("second");
    await nextTurn();
    expect(log).to.deep.equal(["first"]);
    await end("first");
    expect(log).to.deep.equal(["first", "second"]);
    await end("second");
    expect(orphans.isOpen).to.equal(true);
  });

  it("stops waiting for a running job after a time, and does not wait for it again", async () => {
    begin("endless");
    await nextTurn();
    void beginOrphan("orphan");
    await nextTurn();
    expect(clock.fire()).to.equal(1_000);
    await nextTurn();
    expect(log).to.deep.equal(["endless", "orphan"]);
    await end("orphan");
    void beginOrphan("next");
    await nextTurn();
    expect(log.at(-1)).to.equal("next");
  });

  it("lets other jobs begin if an orphan runs for too long", async () => {
    void beginOrphan("endless");
    await nextTurn();
    begin("other");
    expect(clock.fire()).to.equal(1_000);
    await nextTurn();
    expect(log).to.deep.equal(["endless", "other"]);
  });

  it("ends a wait that is aborted", async () => {
    begin("endless");
    await nextTurn();
    const entering = orphans.enter(1_000, clock, closing.signal);
    closing.abort();
    (await entering).end();
    expect(orphans.isOpen).to.equal(true);
    expect(clock.timers.size).to.equal(0);
  });

  it("lets a job whose claim is abandoned pass, so that its worker can return it", async () => {
    const claim = new RedisClaim("1-0", Buffer.alloc(0), 1, "one-1");
    const turn = await orphanGate.enter(60_000, clock, closing.signal);
    const ended = claim.run(async () => "returned");
    claim.abandoned.abort();
    expect(await ended).to.equal("returned");
    turn.end();
  });
});
