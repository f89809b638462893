import { expect } from "chai";
import fc from "fast-check";
import { MemoryBus, MemoryLayer } from "greenroom";
import { FakeNodes } from "../hostile/support/fake-nodes.ts";
import { until } from "../layers/support/until.ts";
import { Clerk, opened, query, startCluster, stopCluster } from "../runtime/support/cluster.ts";
import { settle } from "../runtime/support/cut-layer.ts";
import { Visitor, visitor } from "../runtime/support/visitor.ts";
import { unlessByMachine } from "../support/serving.ts";
import { fuzz, jsonValue } from "./support/fuzz.ts";

const count = fc.oneof(fc.nat(3), fc.maxSafeNat());
const ref = fc.nat(5);
const entry = fc.record({
  ref,
  group: fc.constantFrom("lobby", "crowd"),
  key: fc.string({ maxLength: 5 }),
  graceMs: fc.constantFrom(0, 1, 3_600_000),
  meta: jsonValue,
});
const id = fc.constantFrom("1", "2", "3");
const request = fc.oneof(
  fc.record({
    group: fc.constant("clerks"),
    layer: fc.constant("chat"),
    message: fc.constant({ type: "note", text: "?" }),
  }),
  fc.record({ tag: fc.constant("user.42"), code: fc.constantFrom(1000, 1006, 4001), reason: fc.string() }),
);

/** The fields of valid messages, by type. */
const fields: Readonly<Record<string, fc.Arbitrary<object>>> = {
  heartbeat: fc.record({
    layers: fc.constantFrom({ chat: "fake" }, { chat: "fake2", jobs: "fake" }),
    nodeHeartbeatMs: count,
    version: count,
    reply: fc.boolean(),
  }),
  leave: fc.constant({}),
  send: fc.record({ channel: fc.constantFrom("a!b", "fake!2"), message: fc.constant({ type: "note" }) }),
  ask: fc.record({ id, channel: fc.constantFrom("a!b", "fake!2"), message: fc.constant({ type: "note" }) }),
  reply: fc.record({
    id,
    outcome: fc.constantFrom({ value: 1 }, { failed: "x" }, { absent: "x" }, { failed: 1 }),
  }),
  gather: fc.record({
    id,
    request: fc.constantFrom("ask", "count", "disconnect"),
    fields: request,
    deadlineMs: fc.nat(5),
  }),
  gathered: fc.record({
    id,
    values: fc.array(jsonValue, { maxLength: 3 }),
    total: count,
    isLast: fc.boolean(),
  }),
  presence: fc.record({
    version: fc.nat(8),
    joins: fc.array(entry, { maxLength: 3 }),
    leaves: fc.array(ref, { maxLength: 2 }),
    ended: fc.array(ref, { maxLength: 2 }),
  }),
  state: fc.record({
    version: fc.nat(8),
    part: fc.nat(2),
    parts: fc.nat(3),
    entries: fc.array(entry, { maxLength: 3 }),
  }),
  resync: fc.constant({}),
};

const junk = fc.oneof(
  jsonValue,
  fc.uint8Array({ maxLength: 5 }),
  fc.constantFrom(-1, 0.5, Number.NaN, 2 ** 53, "__proto__", "x".repeat(2_000)),
);

interface Said {
  readonly from: string;
  readonly type: string;
  readonly fields: object;
}

/** Messages of two names. In half of them, one field is replaced, added or missing. */
const said: fc.Arbitrary<Said> = fc
  .tuple(fc.constantFrom(...Object.keys(fields)), fc.constantFrom("fake", "fake2"))
  .chain(([type, from]) =>
    fc
      .tuple(
        fields[type] as fc.Arbitrary<object>,
        fc.boolean(),
        fc.nat(5),
        fc.option(junk, { nil: undefined }),
      )
      .map(([valid, isValid, index, value]) => {
        if (isValid) return { from, type, fields: valid };
        const name = Object.keys(valid)[index] ?? "more";
        return { from, type, fields: { ...valid, [name]: value } };
      }),
  );

describe("Fuzzing the messages between nodes", () => {
  afterEach(stopCluster);

  it("leaves a node alive, with its actors, its members and its other nodes", async () => {
    const errors: unknown[] = [];
    const bus = new MemoryBus();
    const onError = unlessByMachine((error) => errors.push(error));
    const [here, there] = await startCluster(2, { onError }, bus);
    const actor = await here.spawn(Clerk, query("group=clerks"));
    const member = await there.spawn(Visitor, visitor("ada", "home"));
    await until(() => here.presenceCount("lobby") === 1);
    const fake = new FakeNodes(opened(new MemoryLayer({ bus })));
    const check = async (messages: readonly Said[]) => {
      for (const { from, type, fields } of messages) await fake.say(from, type, fields);
      await settle(bus);
      expect(await there.ask(actor.channel, { type: "add", numbers: [1, 2] })).to.equal(3);
      expect(here.nodes).to.include(there.node);
      expect([...here.presence("lobby").keys()]).to.include("ada");
    };
    await fuzz(fc.asyncProperty(fc.array(said, { minLength: 1, maxLength: 30 }), check), 60);
    for (const from of ["fake", "fake2"]) await fake.say(from, "leave", {});
    await member.stop();
    const unexpected = errors.filter((error) => !String(error).includes("a limit for other nodes"));
    expect(unexpected).to.deep.equal([]);
    expect(here.counters().dropped.garbage).to.be.greaterThan(0);
  });
});
