import { Greedy, useTooMuch } from "./support/greedy.ts";

// One client joined 100,000 groups, and its end blocked the event loop for half a second. It tracked 20,000 presences,
// and queued 12,000 jobs of 60 KB: a gigabyte. resources.slow.ts has further attacks, also on Redis.
describe("A client that makes its actor use resources", function () {
  this.timeout(60_000);
  let greedy: Greedy;
  before(async () => {
    greedy = await Greedy.start(null);
  });
  after(() => greedy.stop());

  it("gets as many groups, presences, watches, tags, jobs and asks as it may have", () =>
    useTooMuch(greedy, 10_000));
});
