import { expect } from "chai";
import fc from "fast-check";
import type { PresenceDiff } from "greenroom";
import { SimulatedClock } from "xstate";
import { MemoryBudget } from "../../../runtime/presence/memory-share.ts";
import { Presence, type Tracker } from "../../../runtime/presence/presence.ts";
import { PresenceReplica } from "../../../runtime/presence/presence-replica.ts";

const nodeCount = 3;
const groups = ["red", "blue"];
const graceMs = 100;

/** A message in transit. It can be delivered late, delivered twice, or lost. */
interface Transit {
  readonly to: number;
  deliver(): void;
}

/** Nodes that have only their presence, on a network that delivers, repeats or loses messages on command. */
class Network {
  readonly clock = new SimulatedClock();
  readonly nodes: Presence[] = [];
  readonly trackers: Tracker[][] = [];
  readonly transits: Transit[] = [];
  /** The entries that all nodes must agree on. */
  readonly truth = new Map<string, string>();

  constructor() {
    for (let index = 0; index < nodeCount; index += 1) {
      this.nodes.push(
        new Presence(
          {
            broadcast: (diff) => {
              for (let to = 0; to < nodeCount; to += 1) {
                if (to !== index)
                  this.#transmit(to, (node) => node.applyDiff(`${index}`, structuredClone(diff)));
              }
            },
            request: (node) => this.#transmit(Number(node), (asked) => asked.sendState(`${index}`)),
            reply: (node, state) =>
              this.#transmit(Number(node), (asker) => asker.restore(`${index}`, structuredClone(state))),
          },
          this.clock,
        ),
      );
      this.trackers.push(Array.from({ length: 3 }, () => ({ presenceChanged() {} })));
    }
  }

  heartbeat(from: number): void {
    const version = this.nodes[from]?.version ?? 0;
    for (let to = 0; to < nodeCount; to += 1) {
      if (to !== from) this.#transmit(to, (node) => node.heartbeat(`${from}`, version));
    }
  }

  #transmit(to: number, act: (node: Presence) => void): void {
    const node = this.nodes[to];
    if (node !== undefined) this.transits.push({ to, deliver: () => act(node) });
  }

  /** The entries in a node's view. */
  seenBy(node: Presence): string[] {
    return groups
      .flatMap((group) =>
        [...node.list(group)].flatMap(([key, metas]) =>
          metas.map((meta) => `${group} ${key} ${String(meta)}`),
        ),
      )
      .sort();
  }
}

type Step =
  | {
      readonly do: "track";
      readonly node: number;
      readonly tracker: number;
      readonly group: number;
      readonly meta: number;
      readonly graceMs: number;
    }
  | {
      readonly do: "untrack" | "end";
      readonly node: number;
      readonly tracker: number;
      readonly group: number;
    }
  | { readonly do: "flush" | "heartbeat" | "forget"; readonly node: number; readonly of: number }
  | { readonly do: "deliver" | "lose" | "repeat"; readonly at: number }
  | { readonly do: "wait"; readonly ms: number };

const node = fc.nat(nodeCount - 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("track" as const),
      node,
      tracker: fc.nat(2),
      group: fc.nat(1),
      meta: fc.nat(9),
      graceMs: fc.constantFrom(0, graceMs),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom("untrack" as const, "end" as const),
      node,
      tracker: fc.nat(2),
      group: fc.nat(1),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom("flush" as const, "heartbeat" as const), node, of: node }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("forget" as const), node, of: node }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom("deliver" as const, "lose" as const, "repeat" as const),
      at: fc.nat(30),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.nat(graceMs) }) },
);

function run(network: Network, given: Step): void {
  if ("tracker" in given) {
    const presence = network.nodes[given.node];
    const tracker = network.trackers[given.node]?.[given.tracker];
    const group = groups[given.group] ?? "";
    if (presence === undefined || tracker === undefined) return;
    const place = `${given.node} ${given.tracker} ${group}`;
    if (given.do !== "track") {
      presence[given.do](tracker, group);
      network.truth.delete(place);
    } else {
      presence.track(tracker, group, `key${given.tracker}`, given.meta, given.graceMs);
      network.truth.set(place, `${group} key${given.tracker} ${given.meta}`);
    }
  } else if (given.do === "wait") network.clock.increment(given.ms);
  else if ("at" in given) transmit(network, given);
  else if (given.do === "flush") network.nodes[given.node]?.flush();
  else if (given.do === "heartbeat") network.heartbeat(given.node);
  else if (given.node !== given.of) network.nodes[given.node]?.nodeLeft(`${given.of}`);
}

function transmit({ transits }: Network, given: Extract<Step, { readonly at: number }>): void {
  if (transits.length === 0) return;
  const at = given.at % transits.length;
  if (given.do === "lose") transits.splice(at, 1);
  else if (given.do === "deliver") transits.splice(at, 1)[0]?.deliver();
  else transits[at]?.deliver();
}

/** Delivers all messages. Sends two heartbeats, because an old request in transit may use up the first. */
function settle(network: Network): void {
  for (const presence of network.nodes) presence.flush();
  // Requests are limited by time.
  network.clock.increment(10_000);
  for (let round = 0; round < 2; round += 1) {
    for (let from = 0; from < nodeCount; from += 1) network.heartbeat(from);
    while (network.transits.length > 0) network.transits.shift()?.deliver();
  }
  endGraces(network);
}

function endGraces(network: Network): void {
  network.clock.increment(graceMs);
  for (const presence of network.nodes) presence.flush();
}

describe("Presence", () => {
  it("converges on all nodes after messages were lost, delayed, repeated or reordered", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: "max" }), (steps) => {
        const network = new Network();
        for (const given of steps) run(network, given);
        settle(network);
        const truth = [...network.truth.values()].sort();
        for (const presence of network.nodes) expect(network.seenBy(presence)).to.deep.equal(truth);
      }),
      { numRuns: 1_000 },
    );
  });

  it("sends a watcher diffs that add up to the entries, even if messages are lost or reordered", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: "max" }), (steps) => {
        const network = new Network();
        const [watching] = network.nodes;
        if (watching === undefined) return;
        const seen = new Map<string, readonly unknown[]>();
        const watcher: Tracker = {
          presenceChanged(message) {
            const { joins, leaves, changes } = message as unknown as PresenceDiff;
            const keys = [joins, leaves, changes].flatMap((list) => list.map(({ key }) => key));
            expect(new Set(keys).size).to.equal(keys.length);
            for (const { key } of joins) expect(seen.has(key)).to.equal(false);
            for (const { key } of [...leaves, ...changes]) expect(seen.has(key)).to.equal(true);
            for (const { key, metas } of [...joins, ...changes]) seen.set(key, metas);
            for (const { key } of leaves) seen.delete(key);
          },
        };
        const expectSame = () => {
          const sorted = (members: ReadonlyMap<string, readonly unknown[]>) =>
            [...members].map(([key, metas]) => `${key} ${[...metas].sort()}`).sort();
          expect(sorted(seen)).to.deep.equal(sorted(watching.list("red")));
        };
        watching.track(watcher, "red", "watcher", "watching");
        watching.flush();
        for (const given of steps) run(network, given);
        settle(network);
        expectSame();
        // Without the other nodes, only the watcher's own entries remain.
        for (const left of ["1", "2"]) watching.nodeLeft(left);
        endGraces(network);
        expectSame();
      }),
      { numRuns: 300 },
    );
  });

  it("requests the state of a node at most once for each of its heartbeats", () => {
    const requests: string[] = [];
    const transport = { broadcast() {}, request: (other: string) => requests.push(other), reply() {} };
    const presence = new Presence(transport, new SimulatedClock());
    for (const version of [2, 3]) presence.applyDiff("other", { version, joins: [], leaves: [], ended: [] });
    expect(requests).to.have.length(1);
    presence.heartbeat("other", 3);
    presence.heartbeat("other", 3);
    expect(requests).to.have.length(3);
  });

  describe("PresenceReplica", () => {
    const entry = (ref: number) => ({ ref, group: "red", key: `key${ref}`, meta: {}, graceMs: 0 });
    const newReplica = () => new PresenceReplica(new SimulatedClock(), new MemoryBudget(1_000_000));
    const refs = (replica: PresenceReplica) => [...replica.entries].map(({ ref }) => ref);

    it("ignores an older state that arrives late, whole or in part", () => {
      const replica = newReplica();
      const state = (version: number, part: number, ref: number) => ({
        version,
        part,
        parts: 2,
        entries: [entry(ref)],
      });
      replica.restore(state(5, 0, 1));
      replica.restore(state(7, 0, 2));
      replica.restore(state(5, 1, 3));
      expect(refs(replica)).to.deep.equal([]);
      replica.restore(state(7, 1, 4));
      expect(refs(replica)).to.deep.equal([2, 4]);
      replica.restore({ version: 6, part: 0, parts: 1, entries: [entry(9)] });
      expect([refs(replica), replica.isBehind]).to.deep.equal([[2, 4], false]);
    });

    it("applies the diffs that have waited for a state as soon as the state is complete", () => {
      const replica = newReplica();
      replica.apply({ version: 3, joins: [entry(3)], leaves: [1], ended: [] });
      const state = { version: 2, part: 0, parts: 1, entries: [entry(1), entry(2)] };
      expect(replica.restore(state)).to.deep.equal({
        joined: [entry(1), entry(2), entry(3)],
        left: [entry(1)],
        ended: [],
      });
      expect([refs(replica), replica.isBehind]).to.deep.equal([[2, 3], false]);
    });

    it("keeps a bounded number of diffs that wait for an earlier diff", () => {
      const replica = newReplica();
      for (let version = 2; version < 2_000; version += 1) {
        replica.apply({ version, joins: [entry(version)], leaves: [], ended: [] });
      }
      replica.apply({ version: 1, joins: [entry(1)], leaves: [], ended: [] });
      expect(refs(replica).length).to.be.at.most(1_001);
      expect(replica.isBehind).to.equal(true);
    });
  });
});
