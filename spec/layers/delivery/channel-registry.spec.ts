import { expect } from "chai";
import fc from "fast-check";
import { LocalChannelRegistry } from "../../../layers/delivery/channel-registry.ts";
import { Recorder } from "../../../layers/testing/index.ts";
import { Topics } from "../../../layers/wire/topics.ts";
import { SlowBackend } from "../support/slow-backend.ts";

const topic = "x__group__group";

function start() {
  const backend = new SlowBackend();
  const registry = new LocalChannelRegistry("node", new Topics("x"), backend, () => {});
  const inGroup = () => {
    const members = [...(registry.groupAt(topic)?.members() ?? [])];
    return new Set(members.map(({ inbox }) => inbox as Recorder));
  };
  return { backend, registry, inGroup };
}

describe("LocalChannelRegistry", () => {
  it("subscribes the node's topic once, and again after a failure", async () => {
    const { backend, registry } = start();
    const outcomes = Promise.allSettled([registry.listen(), registry.listen()]);
    expect(backend.requests).to.have.length(1);
    await backend.answer(false);
    expect((await outcomes).map(({ status }) => status)).to.deep.equal(["rejected", "rejected"]);
    const listening = Promise.all([registry.listen(), registry.listen()]);
    expect(backend.requests).to.have.length(1);
    await backend.answer();
    await listening;
    await registry.listen();
    expect([...backend.live]).to.deep.equal(["x__node__node"]);
  });

  it("subscribes once for simultaneous joins, and unsubscribes after the last leave", async () => {
    const { backend, registry } = start();
    const members = [1, 2, 3].map(() => registry.add(new Recorder()));
    const joins = Promise.all(members.map((member) => registry.join("group", member)));
    await backend.answer();
    await joins;
    expect(backend.subscriptions).to.deep.equal([topic]);
    for (const member of members) {
      expect([...backend.live]).to.deep.equal([topic]);
      void registry.leave("group", member);
    }
    expect(backend.requests).to.have.length(1);
    await backend.answer();
    expect([...backend.live]).to.deep.equal([]);
    expect(registry.groupAt(topic), "an empty group is removed").to.equal(undefined);
  });

  it("adds no member when the subscription fails, and tries again for the next join", async () => {
    const { backend, registry, inGroup } = start();
    const member = registry.add(new Recorder());
    const outcomes = Promise.allSettled([registry.join("group", member), registry.join("group", member)]);
    await backend.answer(false);
    expect((await outcomes).map(({ status }) => status)).to.deep.equal(["rejected", "rejected"]);
    expect(inGroup().size).to.equal(0);
    expect(registry.groupAt(topic)).to.equal(undefined);
    const join = registry.join("group", member);
    await backend.answer();
    await join;
    expect(inGroup().size).to.equal(1);
  });

  it("undoes a subscription if all members leave while it is pending", async () => {
    const { backend, registry } = start();
    const member = registry.add(new Recorder());
    void registry.join("group", member);
    await registry.remove(member.channel);
    await backend.answer();
    await backend.answer();
    expect([...backend.live]).to.deep.equal([]);
    expect(registry.groupAt(topic)).to.equal(undefined);
  });

  it("ends in the state of the last calls for every order of calls and replies", async () => {
    const steps = fc.oneof(
      fc.record({ do: fc.constantFrom("join", "leave"), memberIndex: fc.nat(2) }),
      fc.record({ do: fc.constantFrom("grant", "refuse", "turn", "flush"), memberIndex: fc.constant(0) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(steps, { maxLength: 40 }), async (script) => {
        const { backend, registry, inGroup } = start();
        const addMembers = () => [0, 1, 2].map(() => registry.add(new Recorder()));
        let members = addMembers();
        const wanted = new Map<Recorder, boolean>();
        for (const step of script) {
          const member = members[step.memberIndex] ?? registry.add(new Recorder());
          const inbox = member.inbox as Recorder;
          if (step.do === "join") {
            wanted.set(inbox, true);
            const join = Promise.resolve(registry.join("group", member));
            const failed = () => void (member.joins.keys().length === 0 && wanted.delete(inbox));
            join.catch(failed);
          } else if (step.do === "leave") {
            wanted.set(inbox, false);
            void registry.leave("group", member);
          } else if (step.do === "flush") {
            wanted.clear();
            void registry.flush();
            members = addMembers();
          } else if (step.do === "turn") await new Promise((resolve) => setImmediate(resolve));
          else await backend.answer(step.do === "grant");
        }
        while (backend.requests.length > 0) await backend.answer();
        await new Promise((resolve) => setImmediate(resolve));
        const expected = new Set([...wanted].flatMap(([inbox, isIn]) => (isIn ? [inbox] : [])));
        expect(backend.violations).to.deep.equal([]);
        expect(inGroup()).to.deep.equal(expected);
        expect([...backend.live]).to.deep.equal(expected.size > 0 ? [topic] : []);
        expect(registry.groupAt(topic) !== undefined).to.equal(expected.size > 0);
      }),
      { numRuns: 300 },
    );
  });
});
