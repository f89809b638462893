import { expect } from "chai";
import fc from "fast-check";
import { keySlot } from "../../../../layers/redis/sharding/key-slot.ts";
import { parsePublication, streamNames, topicOf } from "../../../../layers/redis/streams/stream-format.ts";

describe("parsePublication", () => {
  const parse = (text: string) => parsePublication(Buffer.from(text));

  it("returns each entry with its offset, and with the stamp and the epoch of the last", () => {
    const entries = parse("42-1785 1784 2 0 3\nab\ncd");
    expect(entries?.map(({ payload, ...place }) => ({ ...place, payload: String(payload) }))).to.deep.equal([
      { offset: 40, stamp: 1785, epoch: "1784", payload: "ab" },
      { offset: 41, stamp: 1785, epoch: "1784", payload: "" },
      { offset: 42, stamp: 1785, epoch: "1784", payload: "\ncd" },
    ]);
  });

  it("returns undefined for bytes that were not published by a layer", () => {
    for (const text of [
      ...["", "\n", "hi", "1-2 3\nab", "1-2 3 \nab", "1-2 3 2\na", "1-2 3 2\nabc", "1-2 3 1 1\nab"],
      ...["2-2 3 1  1\nab", "2-2 3 3 -1\nab", "2-2 3 1e0 1\nab", "x 3 2\nab", "1-2 x 2\nab", "1-2 3 2.0\nab"],
      `200-2 3${" 0".repeat(2_000)}\n`,
    ]) {
      expect(parse(text), JSON.stringify(text)).to.equal(undefined);
    }
  });

  it("never throws, and never returns an entry that is not in the bytes", () => {
    const header = fc.stringMatching(/^[0-9 -]{0,30}$/);
    fc.assert(
      fc.property(header, fc.uint8Array({ maxLength: 30 }), (text, rest) => {
        const entries = parsePublication(Buffer.concat([Buffer.from(`${text}\n`), rest])) ?? [];
        const total = entries.reduce((sum, { payload }) => sum + payload.length, 0);
        expect(total).to.equal(entries.length === 0 ? 0 : rest.length);
        for (const { offset } of entries) expect(offset).to.be.at.least(1);
      }),
    );
  });
});

describe("streamNames", () => {
  const prefixes = ["chat", "a}b", "}", "}a", "{", "{a}", "{}", "}{", "{}{a}"];

  for (const prefix of prefixes) {
    it(`keeps the names of a group with the prefix "${prefix}" in one slot, and can be reversed`, () => {
      const topic = `${prefix}__group__room`;
      const { stream, head, channel } = streamNames(topic);
      expect(new Set([stream, head, channel].map(keySlot)).size).to.equal(1);
      expect(new Set([stream, head, channel]).size).to.equal(3);
      expect(topicOf(channel)).to.equal(topic);
    });
  }

  it("gives each topic its own names", () => {
    const names = prefixes.map((prefix) => streamNames(`${prefix}__group__room`).channel);
    expect(new Set(names).size).to.equal(prefixes.length);
  });
});
