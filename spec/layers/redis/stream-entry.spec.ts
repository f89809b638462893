import { expect } from "chai";
import { keySlot } from "../../../layers/redis/key-slot.ts";
import { streamNames, topicOf } from "../../../layers/redis/stream-entry.ts";

describe("streamNames", () => {
  const prefixes = ["chat", "a}b", "}", "}a", "{", "{a}", "{}", "}{", "{}{a}"];

  for (const prefix of prefixes) {
    it(`keeps what belongs to a group of prefix "${prefix}" in one slot, and knows the topic again`, () => {
      const topic = `${prefix}__group__room`;
      const { stream, head, channel } = streamNames(topic);
      expect(new Set([stream, head, channel].map(keySlot)).size).to.equal(1);
      expect(new Set([stream, head, channel]).size).to.equal(3);
      expect(topicOf(channel)).to.equal(topic);
    });
  }

  it("gives each topic names of its own", () => {
    const names = prefixes.map((prefix) => streamNames(`${prefix}__group__room`).channel);
    expect(new Set(names).size).to.equal(prefixes.length);
  });
});
