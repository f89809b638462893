import { expect } from "chai";
import fc from "fast-check";
import { Topics } from "../../../layers/wire/topics.ts";

/** Names made of ambiguous pieces. */
const pieces = fc.array(fc.constantFrom("_", "__", "group", "node", "queue", "a"), {
  minLength: 1,
  maxLength: 7,
});
const names = pieces.map((parts) => parts.join(""));

function topicsOf(prefix: string): Topics | undefined {
  try {
    return new Topics(prefix);
  } catch {
    return undefined;
  }
}

describe("Topics", () => {
  it("maps different prefixes, kinds and names to different topics", () => {
    const kinds = fc.constantFrom("group", "node", "queue");
    const things = fc.record({ prefix: names, kind: kinds, name: names });
    const owners = new Map<string, string>();
    fc.assert(
      fc.property(things, ({ prefix, kind, name }) => {
        const topics = topicsOf(prefix);
        fc.pre(topics !== undefined);
        const topic = topics[kind](name);
        const owner = `${prefix} ${kind} ${name}`;
        expect(owners.get(topic) ?? owner, topic).to.equal(owner);
        owners.set(topic, owner);
        expect(topics.isGroup(topic)).to.equal(kind === "group");
      }),
      { numRuns: 5_000 },
    );
  });

  // "chat__group" with the group "x" had the topic of "chat" with the group "group__x".
  it("refuses a prefix that is ambiguous at its end", () => {
    for (const prefix of ["chat__group", "chat__node_", "chat__queue__", "__group"]) {
      expect(() => new Topics(prefix)).to.throw("A prefix is");
    }
    for (const prefix of ["chat", "chat_", "chat__", "chat__groups", "group", "_group"]) {
      expect(new Topics(prefix).group("x")).to.equal(`${prefix}__group__x`);
    }
  });
});
