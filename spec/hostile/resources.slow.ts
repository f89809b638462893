import { randomUUID } from "node:crypto";
import { expect } from "chai";
import type { Client } from "../support/client.ts";
import { redisUrl } from "../support/redis.ts";
import { Greedy, useTooMuch } from "./support/greedy.ts";

const mebibyte = 1024 * 1024;

for (const [name, groups, options] of [
  ["in memory", 100_000, () => null],
  // On a busy machine, a handler that asks for 100,000 groups at once runs longer than Redis may take to answer.
  ["on Redis", 20_000, () => ({ url: redisUrl(), prefix: `greedy-${randomUUID()}` })],
] as const) {
  describe(`Clients that make their actors use resources, ${name}`, function () {
    this.timeout(60_000);
    let greedy: Greedy;
    beforeEach(async () => {
      greedy = await Greedy.start(options());
    });
    afterEach(() => greedy.stop());

    it("get as many groups, presences, watches, tags, jobs and asks as they may have", () =>
      useTooMuch(greedy, groups));

    for (const resource of ["groups", "presences", "watches", "tags", "jobs", "asks"]) {
      it(`are closed with 3491 if their actors do not await ${resource}`, async () => {
        const before = await greedy.figures();
        for (let attack = 0; attack < 3; attack += 1) {
          const client = await greedy.open();
          client.send(`${resource} 20000 unawaited`);
          const { code, reason } = await greedy.whileRunning(client.closed);
          expect(code).to.equal(3491);
          expect(reason).to.match(new RegExp(`^Too many ${resource}: the limit is `));
          await greedy.checkBystander();
        }
        // A group counts until Redis has ended its subscription, and the actor is gone earlier.
        await greedy.until(({ size, groups: left }) => size === before.size && left === before.groups);
      });
    }
  });
}

// The queue had a bound in messages only: 10,000 jobs of 60 KB are 600 MB, and each channel has as many.
describe("Many clients that queue jobs in memory", function () {
  this.timeout(60_000);

  it("fill 128 MiB, and then get an error", async () => {
    const greedy = await Greedy.start(null);
    const { bytes } = await greedy.figures();
    const clients: Client[] = [];
    for (let n = 0; n < 30; n += 1) {
      const client = await greedy.open();
      clients.push(client);
      client.send("jobs 100");
    }
    // 2,226 jobs fit. V8 frees the bytes of the refused ones in other threads.
    const { bytes: now } = await greedy.until(
      ({ full, bytes: used }) => full > 700 && used - bytes < 140 * mebibyte,
    );
    expect(now - bytes).to.be.above(120 * mebibyte);
    await greedy.checkBystander();
    for (const client of clients) client.websocket.terminate();
    await greedy.stop();
  });
});
