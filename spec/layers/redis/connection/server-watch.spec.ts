import { expect } from "chai";
import { Redis } from "ioredis";
import { ServerWatch } from "../../../../layers/redis/connection/server-watch.ts";
import { redisUrl } from "../../../support/redis.ts";
import { ManualClock } from "../../support/manual-clock.ts";

describe("ServerWatch", () => {
  let redis: Redis;
  let clock: ManualClock;
  let demotions: Error[];
  let watch: ServerWatch;
  beforeEach(async () => {
    redis = new Redis(redisUrl(), { lazyConnect: true, maxRetriesPerRequest: 0, retryStrategy: null });
    await redis.connect();
    clock = new ManualClock();
    demotions = [];
    watch = new ServerWatch(1_000, clock, (why) => demotions.push(why));
    await watch.begin(redis);
  });
  afterEach(() => redis.disconnect());

  /** Resolves after the replies to all earlier commands. */
  const answered = async () => {
    await redis.ping().catch(() => {});
    await new Promise((resolve) => setImmediate(resolve));
  };

  it("checks again and again, with pauses of 75 % to 125 % of the mean", async () => {
    for (let round = 0; round < 3; round += 1) {
      expect(clock.fire()).to.be.within(750, 1_250);
      await answered();
    }
    expect(clock.timers.size).to.equal(1);
    expect(demotions).to.deep.equal([]);
  });

  it("leaves no timer if it ends during a check, whether or not the check succeeds", async () => {
    clock.fire();
    watch.end();
    await answered();
    expect(clock.timers.size).to.equal(0);
    await watch.begin(redis);
    clock.fire();
    watch.end();
    redis.disconnect();
    await answered();
    expect(clock.timers.size).to.equal(0);
  });
});
