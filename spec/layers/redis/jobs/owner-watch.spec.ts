import { expect } from "chai";
import { type Owner, OwnerWatch } from "../../../../layers/redis/jobs/owner-watch.ts";

describe("OwnerWatch", () => {
  let watch: OwnerWatch;
  let now: number;
  beforeEach(() => {
    watch = new OwnerWatch(1_000, 200);
    now = 5_000;
  });

  /** Observes owners after a pause. The reply takes `replyMs`. */
  function observe(seenAt: Record<string, number>, pauseMs = 200, replyMs = 0): void {
    const owners: Owner[] = Object.entries(seenAt).map(([name, at]) => ({ name, seenAt: at }));
    const askedAt = now + pauseMs;
    now = askedAt + replyMs;
    watch.observe(owners, askedAt, now);
  }

  const times = (count: number, observation: () => void) => {
    for (let index = 0; index < count; index += 1) observation();
  };

  const dead = () => watch.dead.map(({ name }) => name);

  it("declares an owner dead after `claimAfterMs` without a life sign, and not before", () => {
    times(5, () => observe({ silent: 1, lively: now }));
    expect(dead()).to.deep.equal([]);
    observe({ silent: 1, lively: now });
    expect(dead()).to.deep.equal(["silent"]);
  });

  it("believes a life sign after a long silence", () => {
    times(6, () => observe({ owner: 1 }));
    observe({ owner: 2 });
    expect(dead()).to.deep.equal([]);
  });

  it("does not count the time of a step of the server's clock, in either direction", () => {
    observe({ owner: 1_000_000 });
    observe({ owner: 4_600_000 });
    observe({ owner: 1_000_200 });
    expect(dead()).to.deep.equal([]);
    // After the step back, the owner dies.
    times(5, () => observe({ owner: 1_000_200 }));
    expect(dead()).to.deep.equal(["owner"]);
  });

  it("does not count the time in which the server was frozen", () => {
    observe({ owner: 1 });
    observe({ owner: 1 }, 200, 10_000);
    observe({ owner: 1 }, 0);
    expect(dead()).to.deep.equal([]);
  });

  it("does not count the time in which this process was frozen", () => {
    observe({ owner: 1 });
    observe({ owner: 1 }, 10_000);
    expect(dead()).to.deep.equal([]);
  });

  it("begins again after a reconnect, and gives other processes time to reconnect", () => {
    times(6, () => observe({ owner: 1 }));
    watch.restart(now + 5_000);
    expect(dead()).to.deep.equal([]);
    times(24, () => observe({ owner: 1 }));
    times(5, () => observe({ owner: 1 }));
    expect(dead()).to.deep.equal([]);
    observe({ owner: 1 });
    expect(dead()).to.deep.equal(["owner"]);
  });

  it("forgets owners without entries", () => {
    times(6, () => observe({ owner: 1 }));
    observe({});
    observe({ owner: 1 });
    expect(dead()).to.deep.equal([]);
  });
});
