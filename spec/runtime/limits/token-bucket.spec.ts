import { expect } from "chai";
import { systemClock } from "../../../layers/clock.ts";
import { TokenBucket } from "../../../runtime/limits/token-bucket.ts";

describe("TokenBucket", () => {
  let now: number;
  const clock = { ...systemClock, now: () => now };
  const create = () => new TokenBucket(clock, { perSecond: 10, burst: 3 });
  const taken = (bucket: TokenBucket, count: number) =>
    Array.from({ length: count }, () => bucket.take()).filter(Boolean).length;

  beforeEach(() => {
    now = 1_000;
  });

  it("gives its burst at once, and a token back after each 1/perSecond seconds", () => {
    const bucket = create();
    expect(taken(bucket, 5)).to.equal(3);
    now = 1_099;
    expect(taken(bucket, 1)).to.equal(0);
    now = 1_100;
    expect(taken(bucket, 2)).to.equal(1);
    now = 1_300;
    expect(taken(bucket, 5)).to.equal(2);
  });

  it("holds no more than its burst, however long it rests", () => {
    const bucket = create();
    expect(bucket.isFull).to.equal(true);
    bucket.take();
    now += 99;
    expect(bucket.isFull).to.equal(false);
    now += 1;
    expect(bucket.isFull).to.equal(true);
    now += 1e9;
    expect(taken(bucket, 9)).to.equal(3);
  });

  it("lends more than it holds, if it holds one token", () => {
    const bucket = create();
    expect(bucket.take(13)).to.equal(true);
    now += 1_000;
    expect(bucket.take()).to.equal(false);
    now += 100;
    expect(bucket.take()).to.equal(true);
  });
});
