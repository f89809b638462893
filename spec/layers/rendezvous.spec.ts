import { expect } from "chai";
import { rendezvous } from "../../layers/rendezvous.ts";

const topics = Array.from({ length: 10_000 }, (_, index) => `chat__group__room-${index}`);
const names = ["one:6379", "two:6379", "three:6379"];

describe("rendezvous", () => {
  it("returns the same hosts in every process and version", () => {
    const keys = ["chat__group__room", "chat__group__c", "chat__group__e", "chat__node__c", "", "é"];
    const answers = keys.map(rendezvous(names));
    expect(answers).to.deep.equal([
      "two:6379",
      "one:6379",
      "three:6379",
      "three:6379",
      "two:6379",
      "two:6379",
    ]);
  });

  it("does not depend on the order of the hosts", () => {
    const [one, other] = [rendezvous(names), rendezvous([...names].reverse())];
    for (const topic of topics) expect(one(topic)).to.equal(other(topic));
  });

  it("gives each host about the same share", () => {
    const hostOf = rendezvous(names);
    const counts = names.map((host) => topics.filter((topic) => hostOf(topic) === host).length);
    for (const count of counts) expect(count).to.be.within(3_150, 3_520);
  });

  it("moves only keys that a new host takes", () => {
    const [three, four] = [rendezvous(names), rendezvous([...names, "four:6379"])];
    const moved = topics.filter((topic) => three(topic) !== four(topic));
    for (const topic of moved) expect(four(topic)).to.equal("four:6379");
    expect(moved.length).to.be.within(2_300, 2_700);
  });
});
