import { expect } from "chai";
import { HashRing } from "../../../../layers/redis/sharding/hash-ring.ts";

const topics = Array.from({ length: 10_000 }, (_, index) => `chat__group__room-${index}`);
const hosts = ["one:6379", "two:6379", "three:6379"];

describe("HashRing", () => {
  it("answers the same in every process and version", () => {
    const ring = new HashRing(hosts);
    const answers = ["chat__group__room", "chat__group__a", "chat__group__b", "chat__node__c", "", "é"].map(
      (topic) => ring.hostOf(topic),
    );
    expect(answers).to.deep.equal(["two:6379", "three:6379", "two:6379", "two:6379", "two:6379", "one:6379"]);
  });

  it("does not ask in which order the hosts were named", () => {
    const [one, other] = [new HashRing(hosts), new HashRing([...hosts].reverse())];
    for (const topic of topics) expect(one.hostOf(topic)).to.equal(other.hostOf(topic));
  });

  it("gives each host about its share", () => {
    const ring = new HashRing(hosts);
    const counts = hosts.map((host) => topics.filter((topic) => ring.hostOf(topic) === host).length);
    for (const count of counts) expect(count).to.be.within(2_500, 4_200);
  });

  it("moves only what a new host takes", () => {
    const [before, after] = [new HashRing(hosts), new HashRing([...hosts, "four:6379"])];
    const moved = topics.filter((topic) => before.hostOf(topic) !== after.hostOf(topic));
    for (const topic of moved) expect(after.hostOf(topic)).to.equal("four:6379");
    expect(moved.length).to.be.within(1_500, 3_500);
  });

  it("wants at least one host, and each once", () => {
    expect(() => new HashRing([])).to.throw(TypeError, "at least one");
    expect(() => new HashRing(["one:1", "two:1", "one:1"])).to.throw(TypeError, "one:1 is there twice");
  });
});
