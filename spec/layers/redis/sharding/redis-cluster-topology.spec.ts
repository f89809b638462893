import { expect } from "chai";
import { partition, servedSlots } from "../../../../layers/redis/sharding/redis-cluster-topology.ts";

type Ranges = readonly (readonly [number, number])[];

const shard = (port: number, ...slots: Ranges) => ({ master: { host: "127.0.0.1", port }, slots });

const before = partition([shard(1, [0, 99]), shard(2, [100, 199]), shard(3, [200, 299])]);

describe("partition", () => {
  it("is the same for other masters and another order of the slots", () => {
    const after = partition([shard(9, [250, 299], [200, 249]), shard(1, [0, 99]), shard(4, [100, 199])]);
    expect(after).to.equal(before);
  });

  for (const [what, shards] of [
    ["one slot moves", [shard(1, [0, 98]), shard(2, [99, 199]), shard(3, [200, 299])]],
    [
      "a slot moves without a bordering range",
      [shard(1, [0, 99], [150, 150]), shard(2, [100, 149], [151, 199])],
    ],
    ["two shards become one", [shard(1, [0, 199]), shard(3, [200, 299])]],
    ["one becomes two", [shard(1, [0, 49]), shard(4, [50, 99]), shard(2, [100, 199]), shard(3, [200, 299])]],
  ] as const) {
    it(`differs if ${what}`, () => {
      expect(partition(shards)).not.to.equal(before);
    });
  }
});

describe("servedSlots", () => {
  it("counts the slots of all shards", () => {
    expect(servedSlots([shard(1, [0, 99], [150, 150]), shard(2, [100, 100])])).to.equal(102);
  });
});
