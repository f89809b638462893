import { expect } from "chai";
import fc from "fast-check";
import { LayerMetrics } from "../../../layers/counters.ts";
import { LocalChannelRegistry } from "../../../layers/delivery/channel-registry.ts";
import type { Member } from "../../../layers/delivery/group.ts";
import { Receiver } from "../../../layers/delivery/receiver.ts";
import type { Gap, Inbox, Mail } from "../../../layers/message.ts";
import { TurnScheduler } from "../../../layers/scheduling/turn-scheduler.ts";
import { Recorder } from "../../../layers/testing/index.ts";
import { encode } from "../../../layers/wire/codec.ts";
import { createEncryption } from "../../../layers/wire/encryption.ts";
import { PayloadDecoder } from "../../../layers/wire/payload-decoder.ts";
import { Topics } from "../../../layers/wire/topics.ts";
import { nextTurn } from "../../support/next-turn.ts";

const topicOf = (group: string) => `x__group__${group}`;
const ownTopic = "x__node__node";
const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);

/** The duration of one delivery, in milliseconds on the spec's clock: about 250 fill a slice. */
const inboxMs = 0.02;
/** The longest slice: 5 ms, and the work before its first and its last check of the clock. */
const longestMs = 5 + 2 * 64 * inboxMs;

const backend = {
  async subscribe() {},
  async unsubscribe() {},
};

/** A node whose clock advances only when an inbox is served. */
class Node {
  readonly metrics = new LayerMetrics();
  readonly errors: unknown[] = [];
  readonly registry = new LocalChannelRegistry("node", new Topics("x"), backend as never, () => {});
  readonly receiver: Receiver;
  readonly decoder: PayloadDecoder;
  /** The duration of each turn with deliveries, in milliseconds. */
  readonly turns: number[] = [];
  now = 0;
  #since: number | undefined;

  constructor() {
    const { metrics, registry } = this;
    const report = (error: unknown) => void this.errors.push(error);
    const decoder = new PayloadDecoder(createEncryption(undefined), metrics, report);
    this.decoder = decoder;
    const lane = new TurnScheduler(() => this.now).lane();
    this.receiver = new Receiver(
      ownTopic,
      { decoder, registry, metrics, report, tracer: () => undefined },
      () => lane,
    );
  }

  /** Advances the clock. Work until the immediate of the first call runs belongs to one turn. */
  work(ms = inboxMs): void {
    if (this.#since === undefined) {
      this.#since = this.now;
      setImmediate(() => {
        this.turns.push(this.now - (this.#since ?? 0));
        this.#since = undefined;
      });
    }
    this.now += ms;
  }

  add(inbox: Inbox = new Worker(this)): Member {
    return this.registry.add(inbox);
  }

  async members(count: number, ...groups: string[]): Promise<{ members: Member[]; inboxes: Worker[] }> {
    const inboxes = numbers(count).map(() => new Worker(this));
    const members = inboxes.map((inbox) => this.add(inbox));
    await Promise.all(members.flatMap((member) => groups.map((group) => this.registry.join(group, member))));
    return { members, inboxes };
  }

  send(group: string, number: number, except?: Member): void {
    const envelope = except && { except: except.channel };
    this.receiver.payload(topicOf(group), encode({ type: "number", number }, envelope));
  }

  sendTo({ channel }: Member, number: number): void {
    this.receiver.payload(ownTopic, encode({ type: "number", number }, { to: channel }));
  }

  /** Resolves once everything is delivered. */
  async drain(): Promise<void> {
    while (this.receiver.waiting > 0) await nextTurn();
    await nextTurn();
  }
}

/** An inbox whose deliveries take time. */
class Worker extends Recorder {
  readonly #node: Node;
  /** Runs once, at the next delivery. */
  act: (() => void) | undefined;
  /** All messages, and gaps as `"gap"`. */
  readonly all: unknown[] = [];

  constructor(node: Node) {
    super();
    this.#node = node;
  }

  override deliver(mail: Mail): void {
    this.#node.work();
    this.all.push(mail.message.number);
    super.deliver(mail);
    this.#act();
  }

  override gap(gap: Gap): void {
    this.#node.work();
    this.all.push("gap");
    super.gap(gap);
    this.#act();
  }

  #act(): void {
    const { act } = this;
    this.act = undefined;
    act?.();
  }
}

describe("Receiver", () => {
  let node: Node;
  beforeEach(() => {
    node = new Node();
  });
  afterEach(() => {
    node.registry.clear();
    node.receiver.close();
    expect(node.errors).to.deep.equal([]);
  });

  const immediates = () => process.getActiveResourcesInfo().filter((kind) => kind === "Immediate").length;
  const inTime = () => expect(Math.max(...node.turns)).to.be.at.most(longestMs);

  it("delivers quick work in the same turn and without a timer", async () => {
    const { members, inboxes } = await node.members(20, "room");
    for (const inbox of inboxes) inbox.deliver = (mail) => void inbox.mails.push(mail);
    for (const inbox of inboxes) inbox.gap = (gap) => void inbox.gaps.push(gap);
    // The first delivery measures the duration of an inbox.
    node.send("room", 0);
    await nextTurn();
    for (const { mails } of inboxes) mails.length = 0;
    const before = immediates();
    node.send("room", 1);
    node.receiver.gap(topicOf("room"));
    node.sendTo(members[0] as Member, 2);
    await nextTurn();
    expect(inboxes.map(({ mails, gaps }) => mails.length + gaps.length)).to.deep.equal([
      3,
      ...Array(19).fill(2),
    ]);
    expect(node.receiver.waiting).to.equal(0);
    expect(immediates()).to.equal(before);
  });

  it("limits a turn to one slice for a large group", async () => {
    const { inboxes } = await node.members(5_000, "room");
    node.send("room", 1);
    expect(node.receiver.waiting).to.equal(1);
    await node.drain();
    expect(inboxes.every(({ all }) => all.length === 1)).to.equal(true);
    inTime();
    expect(node.turns.length).to.be.within(5_000 / 400, 5_000 / 200);
    expect(node.metrics.snapshot()).to.deep.include({ received: 1, delivered: 5_000, dropped: {} });
  });

  it("delivers consecutive messages to one member before the next member", async () => {
    const { inboxes } = await node.members(3, "room", "other");
    const order: unknown[] = [];
    for (const [index, inbox] of inboxes.entries()) {
      inbox.deliver = ({ message }) => order.push(`${index}: ${message.number}`);
      inbox.gap = () => order.push(`${index}: gap`);
    }
    node.send("room", 1);
    node.send("room", 2);
    node.send("other", 3);
    node.send("room", 4);
    node.receiver.gap(topicOf("room"));
    node.send("room", 5);
    await node.drain();
    const runs = [[1, 2, 4], ["gap"], [5], [3]];
    expect(order).to.deep.equal(
      runs.flatMap((run) => numbers(3).flatMap((index) => run.map((item) => `${index}: ${item}`))),
    );
  });

  it("moves on to the next member after 64 messages or 64 KiB", async () => {
    const { inboxes } = await node.members(2, "room");
    const order: number[] = [];
    for (const [index, inbox] of inboxes.entries()) inbox.deliver = () => order.push(index);
    const runs = () =>
      order
        .join("")
        .match(/0+|1+/g)
        ?.map((run) => run.length);
    for (const number of numbers(150)) node.send("room", number);
    await node.drain();
    expect(runs()).to.deep.equal([64, 64, 64, 64, 22, 22]);
    order.length = 0;
    const large = encode({ type: "number", number: 1, text: "x".repeat(25 * 1024) });
    for (const _ of numbers(5)) node.receiver.payload(topicOf("room"), large);
    node.receiver.payload(topicOf("room"), encode({ type: "number", text: "x".repeat(1_000_000) }));
    await node.drain();
    expect(runs()).to.deep.equal([2, 2, 2, 2, 1, 1, 1, 1]);
  });

  it("delivers nothing more to a member that leaves in mid-delivery, even if it rejoins", async () => {
    const { members, inboxes } = await node.members(3, "room");
    const [, leaving] = members as [Member, Member, Member];
    (inboxes[1] as Worker).act = () => {
      void node.registry.leave("room", leaving);
      void node.registry.join("room", leaving);
    };
    // The departure of another member does not affect the rest.
    (inboxes[0] as Worker).act = () => void node.registry.leave("room", members[2] as Member);
    for (const number of numbers(3)) node.send("room", number);
    await node.drain();
    expect(inboxes.map(({ all }) => all)).to.deep.equal([[0, 1, 2], [0], []]);
    expect(node.metrics.snapshot().delivered).to.equal(4);
  });

  it("lets immediates, sockets and timers run between two slices", async () => {
    const { inboxes } = await node.members(1_000, "room");
    const order: string[] = [];
    for (const [index, inbox] of inboxes.entries()) {
      inbox.act = () => {
        if (order.at(-1) !== "slice") order.push("slice");
        // Like an outbox, which writes at the end of the turn.
        if (index % 100 === 0) setImmediate(() => order.at(-1) !== "written" && order.push("written"));
      };
    }
    node.send("room", 1);
    await node.drain();
    expect(order.length).to.be.at.least(6);
    expect(order.filter((_, index) => index % 2 === 0).every((entry) => entry === "slice")).to.equal(true);
    expect(order.filter((_, index) => index % 2 === 1).every((entry) => entry === "written")).to.equal(true);
  });

  const crowds: Record<string, (node: Node) => Promise<() => void>> = {
    "20 messages to one group": async (node) => {
      await node.members(500, "room");
      return () => {
        for (const number of numbers(20)) node.send("room", number);
      };
    },
    "a message to each of 500 groups": async (node) => {
      const groups = numbers(500).map((number) => `room${number}`);
      await Promise.all(groups.map((group) => node.members(10, group)));
      return () => {
        for (const group of groups) node.send(group, 1);
      };
    },
    "5,000 direct sends": async (node) => {
      const { members } = await node.members(5_000);
      return () => {
        for (const member of members) node.sendTo(member, 1);
      };
    },
    "a gap for all channels": async (node) => {
      await node.members(5_000);
      return () => node.receiver.gap(ownTopic);
    },
    "a gap for a group": async (node) => {
      await node.members(5_000, "room");
      return () => node.receiver.gap(topicOf("room"));
    },
  };
  for (const [name, crowd] of Object.entries(crowds)) {
    it(`limits a turn to one slice: ${name}`, async () => {
      const arrive = await crowd(node);
      arrive();
      await node.drain();
      inTime();
      expect(node.now).to.be.closeTo(5_000 * inboxMs * (name.startsWith("20") ? 2 : 1), 1);
    });
  }

  it("adapts quickly to slower and faster inboxes", async () => {
    const { inboxes } = await node.members(1_200, "room");
    const msOf = (index: number) => (index < 1_000 ? 0.001 : index < 1_100 ? 1 : 0.01);
    for (const [index, inbox] of inboxes.entries()) inbox.deliver = () => node.work(msOf(index));
    for (const number of numbers(2)) node.send("room", number);
    await node.drain();
    expect(node.metrics.snapshot().delivered).to.equal(2_400);
    // Only the first slow inboxes exceed the slice.
    const long = node.turns.filter((ms) => ms > 7);
    expect(long.length).to.be.at.most(2);
    expect(Math.max(...node.turns)).to.be.at.most(5 + 64 + 1);
  });

  for (const [name, topic] of [
    ["messages of a group", topicOf("room")],
    ["direct sends", ownTopic],
  ] as const) {
    it(`includes the decoding of large ${name} in a slice`, async () => {
      const { members, inboxes } = await node.members(1, "room");
      const [{ channel: to }, inbox] = [members[0] as Member, inboxes[0] as Worker];
      const large = encode({ type: "number", number: 1, text: "x".repeat(1_000_000) }, { to });
      // The node has measured quick inboxes and then has to decode.
      inbox.deliver = () => {};
      for (const number of numbers(200)) node.send("room", number);
      await nextTurn();
      inbox.deliver = () => node.work(4);
      for (const _ of numbers(10)) node.receiver.payload(topic, large);
      await node.drain();
      expect(node.metrics.snapshot().delivered).to.equal(210);
      expect(Math.max(...node.turns)).to.be.at.most(3 * 4);
    });
  }

  for (const [name, send, gap] of [
    [
      "of a group",
      (node: Node, _: readonly Member[], number: number) => node.send("room", number),
      { topic: topicOf("room"), gap: { group: "room", from: 1, to: 2 } },
    ],
    [
      "of direct sends",
      (node: Node, members: readonly Member[], number: number) => {
        for (const member of members) node.sendTo(member, number);
      },
      { topic: ownTopic, gap: {} },
    ],
  ] as const) {
    it(`keeps the order ${name}, with its gaps, while other groups are busy`, async () => {
      const { members, inboxes } = await node.members(300, "room");
      await node.members(300, "other");
      for (const number of numbers(20)) {
        send(node, members, number);
        node.receiver.gap(gap.topic, { from: 1, to: 2 });
        node.send("other", number);
        if (number % 2 === 0) await nextTurn();
      }
      await node.drain();
      for (const { all, gaps } of inboxes) {
        expect(all).to.deep.equal(numbers(20).flatMap((number) => [number, "gap"]));
        expect(gaps[0]).to.deep.equal(gap.gap);
      }
      inTime();
    });
  }

  it("delivers to a small group within two turns while large groups are busy", async () => {
    await Promise.all([node.members(20_000, "large"), node.members(20_000, "larger")]);
    const { inboxes } = await node.members(2, "small");
    for (const number of numbers(5)) for (const group of ["large", "larger"]) node.send(group, number);
    await nextTurn();
    node.send("small", 1);
    await nextTurn();
    await nextTurn();
    expect(inboxes.map(({ all }) => all)).to.deep.equal([[1], [1]]);
    await node.drain();
    inTime();
  });

  it("delivers a group's waiting messages to each member in one turn, for a single write", async () => {
    const { inboxes } = await node.members(2_000, "room");
    const turnsOf = inboxes.map(() => new Set<number>());
    for (const [index, inbox] of inboxes.entries()) {
      const deliver = inbox.deliver.bind(inbox);
      inbox.deliver = (mail) => {
        deliver(mail);
        turnsOf[index]?.add(node.turns.length);
      };
    }
    for (const number of numbers(20)) node.send("room", number);
    await node.drain();
    // Except members that are interrupted by the end of a slice.
    expect(turnsOf.filter(({ size }) => size > 1).length).to.be.below(node.turns.length);
    for (const { all } of inboxes) expect(all).to.deep.equal(numbers(20));
    inTime();
  });

  it("delivers mixed messages to the right groups", async () => {
    const [one, other] = await Promise.all([node.members(300, "one"), node.members(300, "other")]);
    for (const number of numbers(8)) node.send(number % 4 === 3 ? "other" : "one", number);
    await node.drain();
    for (const { all } of one.inboxes) expect(all).to.deep.equal([0, 1, 2, 4, 5, 6]);
    for (const { all } of other.inboxes) expect(all).to.deep.equal([3, 7]);
  });

  it("delivers nothing to a member that leaves before its turn, even after a long decoding", async () => {
    const { members, inboxes } = await node.members(2, "room");
    const [first] = members as [Member, Member];
    const { decoder } = node;
    const decode = decoder.decode.bind(decoder);
    decoder.decode = (...args) => {
      node.work(10);
      return decode(...args);
    };
    const text = "x".repeat(20_000);
    for (const number of numbers(2)) {
      node.receiver.payload(topicOf("room"), encode({ type: "number", number, text }));
    }
    await nextTurn();
    expect([node.receiver.waiting, ...inboxes.map(({ all }) => all.length)]).to.deep.equal([2, 0, 0]);
    void node.registry.leave("room", first);
    await node.drain();
    expect(inboxes.map(({ all }) => all)).to.deep.equal([[], [0, 1]]);
  });

  it("delivers only later messages to a member that joins while messages wait", async () => {
    const { inboxes } = await node.members(1_000, "other");
    for (const inbox of inboxes) inbox.deliver = () => node.work(0.1);
    await node.members(1, "room");
    node.send("other", 0);
    node.send("room", 1);
    expect(node.receiver.waiting).to.equal(2);
    const late = await node.members(1, "room");
    node.send("room", 2);
    await node.drain();
    expect(late.inboxes[0]?.all).to.deep.equal([2]);
  });

  it("delivers all messages to an inbox whose batch throws or delivers nothing", async () => {
    const { inboxes } = await node.members(3, "room");
    const [throwing, silent] = inboxes as Inbox[] as [Inbox, Inbox];
    throwing.batch = () => {
      throw new Error("the inbox threw");
    };
    silent.batch = () => {};
    for (const number of numbers(3)) node.send("room", number);
    await node.drain();
    expect(inboxes.map(({ all }) => all)).to.deep.equal(Array(3).fill(numbers(3)));
    expect(node.errors.splice(0)).to.have.length(1);
  });

  it("delivers nothing more to an interrupted member that leaves, even if it rejoins", async () => {
    const { members, inboxes } = await node.members(2, "room");
    const [member] = members as [Member, Member];
    // Each first delivery takes a whole slice.
    for (const inbox of inboxes) inbox.act = () => node.work(10);
    for (const number of numbers(40)) node.send("room", number);
    await nextTurn();
    expect(node.receiver.waiting).to.equal(40);
    const delivered = inboxes[0]?.all.length ?? 0;
    expect(delivered).to.be.within(1, 39);
    void node.registry.leave("room", member);
    await node.registry.join("room", member);
    await node.drain();
    expect(inboxes.map(({ all }) => all)).to.deep.equal([numbers(delivered), numbers(40)]);
  });

  it("delivers nothing to members that leave while messages wait", async () => {
    const { members, inboxes } = await node.members(1_000, "room");
    node.send("room", 1);
    node.send("room", 2);
    const rest = members.slice(500);
    for (const member of rest) void node.registry.leave("room", member);
    await node.drain();
    expect(inboxes.slice(0, 500).every(({ all }) => all.length === 2)).to.equal(true);
    expect(inboxes.slice(500).every(({ all }) => all.length === 0)).to.equal(true);
    expect(node.metrics.snapshot()).to.deep.include({ delivered: 1_000, dropped: {} });
  });

  it("delivers only later messages to members that join during a delivery", async () => {
    const { members, inboxes } = await node.members(1_000, "room");
    node.send("room", 1);
    node.receiver.gap(ownTopic);
    await nextTurn();
    // A served member and an unserved one rejoin, and a new one joins.
    const back = [members[0], members[999]] as Member[];
    for (const member of back) void node.registry.leave("room", member);
    const late = await node.members(1, "room");
    await Promise.all(back.map((member) => node.registry.join("room", member)));
    node.send("room", 2);
    await node.drain();
    expect(inboxes[0]?.all).to.deep.equal([1, "gap", 2]);
    expect(inboxes[999]?.all).to.deep.equal(["gap", 2]);
    expect(late.inboxes[0]?.all).to.deep.equal([2]);
    expect(inboxes.slice(1, -1).every(({ all }) => all.length === 3)).to.equal(true);
  });

  it("ends even if every member leaves and rejoins during its delivery", async () => {
    const { members, inboxes } = await node.members(1_000, "room");
    for (const [index, member] of members.entries()) {
      const again = () => {
        void node.registry.leave("room", member);
        void node.registry.join("room", member);
      };
      (inboxes[index] as Worker).act = again;
    }
    node.send("room", 1);
    await node.drain();
    expect(inboxes.every(({ all }) => all.length === 1)).to.equal(true);
  });

  it("discards messages of a deleted group quickly, and delivers none to its successor", async () => {
    const { members } = await node.members(1_000, "room");
    for (const number of numbers(10)) node.send("room", number);
    await nextTurn();
    // This payload is not decoded, so it does not count as garbage.
    node.receiver.payload(topicOf("room"), Uint8Array.of(0xc1));
    await node.registry.flush();
    expect(node.registry.groupAt(topicOf("room"))).to.equal(undefined);
    const late = await node.members(1, "room");
    node.sendTo(members[0] as Member, 11);
    node.send("room", 12);
    await node.drain();
    expect(late.inboxes[0]?.all).to.deep.equal([12]);
    expect(node.turns).to.have.length(2);
    expect(node.metrics.snapshot().dropped).to.deep.equal({ "no-channel": 1 });
  });

  it("skips the excluded member and does not count it as delivered", async () => {
    const { members, inboxes } = await node.members(1_000, "room");
    node.send("room", 1, members[700]);
    node.send("room", 2, members[0]);
    node.send("room", 3, members[1]);
    await node.drain();
    const all = [0, 1, 2, 700].map((index) => inboxes[index]?.all);
    expect(all).to.deep.equal([
      [1, 3],
      [1, 2],
      [1, 2, 3],
      [2, 3],
    ]);
    expect(node.metrics.snapshot()).to.deep.include({ received: 3, delivered: 2_997 });
  });

  it("continues after inboxes that throw, across slices", async () => {
    const { inboxes } = await node.members(600, "room");
    for (const inbox of inboxes.filter((_, index) => index % 2 === 1)) {
      inbox.act = () => {
        throw new Error("the inbox threw");
      };
    }
    node.send("room", 1);
    node.send("room", 2);
    await node.drain();
    expect(inboxes.every(({ all }) => all.length === 2)).to.equal(true);
    expect(node.errors.splice(0)).to.have.length(300);
    expect(node.metrics.snapshot()).to.deep.include({ delivered: 900, dropped: { "inbox-error": 300 } });
    inTime();
  });

  it("delivers a message sent by an inbox once, after the current one", async () => {
    const { inboxes } = await node.members(600, "room");
    (inboxes[0] as Worker).act = () => node.send("room", 2);
    (inboxes[500] as Worker).act = () => node.send("room", 3);
    node.send("room", 1);
    await node.drain();
    for (const { all } of inboxes) expect(all).to.deep.equal([1, 2, 3]);
  });

  for (const [when, index] of [
    ["in the first slice", 10],
    ["in a later slice", 600],
  ] as const) {
    it(`delivers nothing after an inbox closes it ${when}, and leaves no timer`, async () => {
      const { members, inboxes } = await node.members(1_000, "room");
      (inboxes[index] as Worker).act = () => {
        node.sendTo(members[0] as Member, 3);
        node.registry.clear();
        node.receiver.close();
      };
      node.send("room", 1);
      node.send("room", 2);
      await node.drain();
      const before = Array(index).fill([1, 2]);
      const after = Array(999 - index).fill([]);
      expect(inboxes.map(({ all }) => all)).to.deep.equal([...before, [1], ...after]);
      expect(node.receiver.waiting).to.equal(0);
      expect(node.metrics.snapshot().dropped).to.deep.equal({ "no-channel": 1 });
      node.send("room", 4);
      node.receiver.close();
      expect(node.receiver.waiting).to.equal(0);
    });
  }

  it("leaves no timer when closed between two slices", async () => {
    const { members, inboxes } = await node.members(1_000, "room");
    const before = immediates();
    node.send("room", 1);
    await nextTurn();
    const { delivered } = node.metrics.snapshot();
    node.registry.clear();
    node.receiver.close();
    expect(node.receiver.waiting).to.equal(0);
    for (const member of members) node.sendTo(member, 2);
    await nextTurn();
    await nextTurn();
    expect(immediates()).to.be.at.most(before);
    expect(inboxes.filter(({ all }) => all.length > 0)).to.have.length(delivered);
    expect(delivered).to.be.below(1_000);
  });

  for (const [name, bytes, limit] of [
    ["messages", 0, 10_000],
    ["bytes", 1_000_000, 16],
  ] as const) {
    it(`limits the waiting ${name}: what exceeds the limit is delivered in one turn, in order`, async () => {
      const { inboxes } = await node.members(10, "room");
      const count = limit * 3;
      const text = "x".repeat(bytes);
      for (const number of numbers(count)) {
        node.receiver.payload(topicOf("room"), encode({ type: "number", number, text }));
      }
      await nextTurn();
      // Up to 64 are delivered together, and then a slice.
      expect(node.receiver.waiting).to.be.within(limit - 128, limit);
      await node.drain();
      for (const { all } of inboxes) expect(all).to.deep.equal(numbers(count));
    });
  }

  for (const [name, bytes, limit] of [
    ["messages", 0, 10_000],
    ["bytes", 1_000_000, 16],
  ] as const) {
    it(`has no room beyond half of the limit of waiting ${name}, until a quarter is left`, async () => {
      const { receiver } = node;
      await node.members(100, "room");
      const put = () =>
        receiver.payload(topicOf("room"), encode({ type: "number", text: "x".repeat(bytes) }));
      for (const _ of numbers(limit / 2)) put();
      expect(receiver.room()).to.equal(undefined);
      put();
      const room = receiver.room();
      expect(receiver.room()).to.equal(room);
      let isOver = false;
      void room?.then(() => {
        isOver = true;
      });
      let least = receiver.waiting;
      while (!isOver) {
        least = receiver.waiting;
        await nextTurn();
      }
      expect(least).to.be.within(limit / 4, limit / 4 + 128);
      expect(receiver.room()).to.equal(undefined);
      for (const _ of numbers(limit / 2)) put();
      const last = receiver.room();
      expect(last).not.to.equal(undefined);
      receiver.close();
      await last;
      expect(receiver.room()).to.equal(undefined);
    });
  }

  it("delivers to each member, in order, everything that arrives during its membership", async () => {
    const steps = fc.oneof(
      {
        weight: 3,
        arbitrary: fc.record({ do: fc.constantFrom("send", "gap", "turn"), guestIndex: fc.nat(3) }),
      },
      { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("join", "leave"), guestIndex: fc.nat(3) }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(steps, { maxLength: 40 }), async (script) => {
        const node = new Node();
        // Guests join and leave; the other members stay.
        const stay = await node.members(300, "room");
        const guests = await node.members(4);
        const expected: unknown[][] = guests.inboxes.map(() => []);
        const isIn = guests.inboxes.map(() => false);
        const all: unknown[] = [];
        const arrive = (item: unknown) => {
          all.push(item);
          for (const [index, isMember] of isIn.entries()) if (isMember) expected[index]?.push(item);
        };
        for (const [number, step] of script.entries()) {
          const { guestIndex } = step;
          const guest = guests.members[guestIndex] as Member;
          if (step.do === "send") {
            arrive(number);
            node.send("room", number);
          } else if (step.do === "gap") {
            arrive("gap");
            node.receiver.gap(topicOf("room"));
          } else if (step.do === "join") {
            await node.registry.join("room", guest);
            isIn[guestIndex] = true;
          } else if (step.do === "leave") {
            void node.registry.leave("room", guest);
            isIn[guestIndex] = false;
            // Undelivered messages are discarded.
            expected[guestIndex] = [...(guests.inboxes[guestIndex]?.all ?? [])];
          } else await nextTurn();
        }
        await node.drain();
        for (const inbox of stay.inboxes) expect(inbox.all).to.deep.equal(all);
        expect(guests.inboxes.map((inbox) => inbox.all)).to.deep.equal(expected);
        expect(Math.max(0, ...node.turns)).to.be.at.most(longestMs);
      }),
      { numRuns: 60 },
    );
  });
});
