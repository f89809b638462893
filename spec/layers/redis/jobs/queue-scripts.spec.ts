import { expect } from "chai";
import { queueKeys } from "../../../../layers/redis/jobs/queue-scripts.ts";

/** The part of a key that determines the key's slot in a cluster: the hash tag, unless the tag is empty. */
const tagOf = (key: string) => /\{([^}]+)\}/.exec(key)?.[1] ?? key;

describe("queueKeys", () => {
  for (const prefix of ["chat", "a}b", "}", "{", "{a}", "}{"]) {
    it(`keeps a queue with the prefix "${prefix}" and its dead letters in one slot`, () => {
      const queue = `${prefix}__queue__jobs`;
      const { stream, dead } = queueKeys(queue);
      const ofDead = queueKeys(`${queue}.dead`);
      expect(ofDead.stream).to.equal(dead);
      const keys = [stream, dead, ofDead.dead];
      expect(new Set(keys)).to.have.property("size", 3);
      expect(new Set(keys.map(tagOf))).to.deep.equal(new Set([tagOf(stream)]));
      expect(tagOf(stream)).not.to.equal(stream);
    });
  }

  it("gives each queue its own key", () => {
    const queues = [
      "a__queue__b",
      "a}__queue__b",
      "a{__queue__b",
      "a__queue__b.dead",
      "a__queue__.dead",
      "a__queue__b.dead.x",
    ];
    expect(new Set(queues.map((queue) => queueKeys(queue).stream)).size).to.equal(queues.length);
  });
});
