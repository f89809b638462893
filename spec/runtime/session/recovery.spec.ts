import { randomBytes } from "node:crypto";
import { expect } from "chai";
import { type ChannelLayer, MemoryBus, MemoryLayer, MissingCapabilityError } from "greenroom";
import { RedisPubSubLayer, RedisStreamsLayer } from "greenroom/redis";
import { Redis } from "ioredis";
import { SimulatedClock } from "xstate";
import { Client } from "../../support/client.ts";
import { nextTurn } from "../../support/next-turn.ts";
import { redisUrl } from "../../support/redis.ts";
import { serve, stopServing } from "../../support/serving.ts";
import { RecoveringClient } from "../support/recovering-client.ts";
import { Room } from "../support/relay-room.ts";
import { SessionClient } from "../support/session-client.ts";

/** The capacities of histories. */
const capacity = [
  ["busy", 1_000],
  ["*", 20],
] as const;

const numbers = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);

interface Kind {
  /** Starts another node's layer. */
  start(): ChannelLayer;
  /** Loses the history of a group, or lets it expire. */
  lose(group: string): Promise<unknown>;
}

describe("the recovery of relayed messages", () => {
  let prefix: string;
  let raw: Redis;
  let bus: MemoryBus;
  let clock: SimulatedClock;
  let sender: ChannelLayer;
  before(() => {
    raw = new Redis(redisUrl());
  });
  after(() => raw.quit());
  beforeEach(() => {
    prefix = `recovery-${randomBytes(6).toString("hex")}`;
    clock = new SimulatedClock();
    bus = new MemoryBus({ clock, capacity });
    Room.channels = [];
  });
  afterEach(async () => {
    await stopServing();
    await sender?.close();
  });

  const kinds: Readonly<Record<string, Kind>> = {
    MemoryLayer: {
      start: () => new MemoryLayer({ bus, prefix }),
      lose: async () => clock.increment(60_000),
    },
    RedisStreamsLayer: {
      start: () => new RedisStreamsLayer({ url: redisUrl(), prefix, capacity }),
      lose: (name) => raw.del(`{${prefix}__group__${name}}:stream`, `{${prefix}__group__${name}}:head`),
    },
  };

  /** Starts a node, and returns the URL for a client. */
  async function node({ start }: Kind, options: object = {}, Consumer: typeof Room = Room): Promise<string> {
    const { runtime, url } = await serve({
      layers: { chat: start() },
      guards: [({ path }: { readonly path: string }) => ({ user: { id: path.slice(6) } })],
      ...options,
    });
    runtime.route(Consumer);
    return `${url}/room/ada`;
  }

  async function send(from: number, to = from, name = "room", options: object = {}): Promise<void> {
    for (const n of numbers(from, to)) {
      await sender.groupSend(name, { type: n % 2 === 0 ? "spoken" : "said", n }, options);
    }
  }

  for (const [name, kind] of Object.entries(kinds)) {
    describe(`on a ${name}`, () => {
      /** Two nodes, and a client of the first one that has received the messages 1 to 5. */
      async function begin(query = "", sentTo = "room") {
        sender = kind.start();
        const [one, other] = [(await node(kind)) + query, (await node(kind)) + query];
        const client = await RecoveringClient.open(one);
        await send(1, 5, sentTo);
        await client.receive(5);
        await client.until(() => client.ticket !== undefined);
        return { one, other, client };
      }

      it("delivers each message once and in order", async () => {
        const { other, client } = await begin();
        client.cut();
        await send(6, 10);
        const again = await RecoveringClient.open(other, client);
        await send(11, 15);
        await again.receive(15);
        expect([...client.numbers, ...again.numbers]).to.deep.equal(numbers(1, 15));
        expect(again.gaps).to.deep.equal([]);
        expect(again.frames[0]).to.equal('{"type":"said","n":6,"@":["room",6]}');
      });

      it("leaves out a message of the wrong shape, live and missed", async () => {
        const { other, client } = await begin();
        await sender.groupSend("room", { type: "said", n: "six" });
        await send(7);
        await client.receive(7);
        client.cut();
        await sender.groupSend("room", { type: "spoken", words: 8 });
        await send(9);
        const again = await RecoveringClient.open(other, client);
        await sender.groupSend("room", { type: "said" });
        await send(11);
        await again.receive(11);
        expect([...client.numbers, ...again.numbers]).to.deep.equal([...numbers(1, 5), 7, 9, 11]);
        expect(again.gaps).to.deep.equal([]);
      });

      it("delivers each message once and in order while messages are sent all the time", async () => {
        const { one, other, client } = await begin("?groups=busy", "busy");
        const all: number[] = [];
        let last = 5;
        let isDone = false;
        const sending = (async () => {
          while (!isDone) {
            await send(++last, last, "busy");
            await nextTurn();
          }
        })();
        let current = client;
        for (const url of [other, one, other, one]) {
          current.cut();
          all.push(...current.numbers);
          current = await RecoveringClient.open(url, current);
          await current.receive(last + 3);
        }
        isDone = true;
        await sending;
        await current.receive(last);
        all.push(...current.numbers);
        expect(all).to.deep.equal(numbers(1, last));
      });

      it("delivers each message once if the next session is lost before it has caught up", async () => {
        const { one, other, client } = await begin();
        client.cut();
        await send(6, 10);
        const second = await RecoveringClient.open(other, client);
        second.cut();
        await send(11, 12);
        const third = await RecoveringClient.open(one, second);
        await third.receive(12);
        expect([...client.numbers, ...second.numbers, ...third.numbers]).to.deep.equal(numbers(1, 12));
        expect(third.gaps).to.deep.equal([]);
      });

      it("goes on from the middle if the next session is lost while it catches up", async () => {
        const { one, other, client } = await begin();
        client.send({ type: "join", group: "later" });
        await client.until(() => client.memberships.has("later"));
        await send(100, 100, "later");
        await client.receive(100);
        client.cut();
        await send(6, 10);
        await send(101, 104, "later");
        const second = await RecoveringClient.open(other, client);
        second.send({ type: "join", group: "later" });
        await second.receive(104);
        await second.receive(10);
        await second.until(() => second.ticket !== client.ticket);
        second.cut();
        // As if the socket had broken earlier.
        second.receivedUpTo({ room: 7, later: 2 });
        await send(11);
        const third = await RecoveringClient.open(`${one}?groups=room,later`, second);
        await send(105, 105, "later");
        await third.receive(105);
        await third.receive(11);
        expect(third.numbers.filter((n) => n < 100)).to.deep.equal([8, 9, 10, 11]);
        expect(third.numbers.filter((n) => n > 100)).to.deep.equal([102, 103, 104, 105]);
        expect(third.gaps).to.deep.equal([]);
      });

      it("tells the groups and a ticket again when the session is resumed", async () => {
        const { one, client } = await begin("?groups=room,lobby");
        client.cut();
        const resumed = new RecoveringClient(await SessionClient.resume(one, client.session, 1, 5));
        await resumed.until(() => resumed.ticket !== undefined);
        expect(Object.keys(resumed.marks).sort()).to.deep.equal(["lobby", "room"]);
        expect(resumed.marks.room).to.equal(5);
      });

      it("tells of a new history after the frames of the old one when the session is resumed", async () => {
        const { one, other, client } = await begin();
        await send(6, 7);
        await client.receive(7);
        client.cut();
        await send(8);
        await kind.lose("room");
        await send(9, 11);
        // As if the socket had broken earlier.
        client.frames.splice(5);
        client.receivedUpTo({ room: 5 });
        const resumed = await client.resume(one, 1);
        await resumed.receive(11);
        await resumed.until(() => resumed.marks.room === 3);
        await resumed.until(() => resumed.ticket !== client.ticket);
        resumed.cut();
        await send(12);
        const again = await RecoveringClient.open(other, resumed);
        await again.receive(12);
        expect([...resumed.numbers, ...again.numbers]).to.deep.equal([6, 7, 8, 9, 10, 11, 12]);
      });

      it("takes a `since` that is sent again after a resume", async () => {
        const { client } = await begin();
        // This node waits three seconds for `since`.
        const still = await node(kind, { clock: new SimulatedClock() });
        client.cut();
        await send(6, 8);
        const socket = await SessionClient.open(still, ["greenroom.since"]);
        const lost = new RecoveringClient(socket, client);
        await lost.until(() => lost.session !== "");
        lost.cut();
        const resumed = await lost.resume(still, 1);
        await send(9);
        expect(resumed.log).to.deep.equal(["resumed"]);
        resumed.since(client.ticket ?? "", client.marks);
        await resumed.receive(9);
        expect(resumed.numbers).to.deep.equal([6, 7, 8, 9]);
      });

      it("knows the positions of a session that was resumed", async () => {
        const { one, other, client } = await begin();
        client.cut();
        await send(6, 7);
        const resumed = await client.resume(one, 1);
        await resumed.receive(7);
        expect(resumed.marks).to.deep.equal({ room: 7 });
        resumed.cut();
        await send(8);
        const again = await RecoveringClient.open(other, resumed);
        await again.receive(8);
        expect([...resumed.numbers, ...again.numbers]).to.deep.equal([6, 7, 8]);
      });

      it("leaves out messages that were not for the client, and those that are not relayed", async () => {
        const { other, client } = await begin();
        const [channel = ""] = Room.channels;
        client.cut();
        await send(6);
        await send(7, 7, "room", { except: channel });
        await send(8, 8, "room", { except: "another!1" });
        await sender.groupSend("room", { type: "noted", n: 9 });
        await send(10);
        const again = await RecoveringClient.open(other, client);
        await again.receive(10);
        expect(again.numbers).to.deep.equal([6, 8, 10]);
        await sender.groupSend("room", { type: "noted", n: 11 });
        await again.receive(-11);
        expect(again.gaps).to.deep.equal([]);
      });

      it("announces one gap if the history no longer has all missed messages", async () => {
        const { other, client } = await begin();
        client.cut();
        await send(6, 26);
        const again = await RecoveringClient.open(other, client);
        await send(27);
        await again.receive(27);
        expect(again.log).to.deep.equal(["gap room", 27]);
        expect(again.marks).to.deep.equal({ room: 27 });
      });

      it("announces one gap if the history was lost, and goes on from there", async () => {
        const { one, other, client } = await begin();
        client.cut();
        await kind.lose("room");
        await send(6, 8);
        const again = await RecoveringClient.open(other, client);
        await send(9);
        await again.receive(9);
        expect(again.log).to.deep.equal(["gap room", 9]);
        again.cut();
        await send(10);
        const third = await RecoveringClient.open(one, again);
        await third.receive(10);
        expect(third.log).to.deep.equal([10]);
      });

      it("catches up with a group when the actor joins it again", async () => {
        const { other, client } = await begin("?groups=room,lobby");
        client.send({ type: "join", group: "later" });
        await client.until(() => client.memberships.has("later"));
        await send(100, 100, "later");
        await client.receive(100);
        client.cut();
        await send(101, 103, "later");
        await send(6);
        const again = await RecoveringClient.open(other, client);
        await again.receive(6);
        expect(again.numbers).to.deep.equal([6]);
        await send(99, 99, "later", { except: Room.channels.at(-1) });
        again.send({ type: "join", group: "later" });
        await again.receive(103);
        await send(104, 104, "later");
        await again.receive(104);
        expect(again.numbers).to.deep.equal([6, 101, 102, 103, 104]);
      });

      it("does not catch up with a group that the client has left, or has never been in", async () => {
        const { other, client } = await begin("?groups=room,left");
        client.send({ type: "leave", group: "left" });
        await client.until(() => !client.memberships.has("left"));
        client.cut();
        await send(200, 201, "left");
        await send(300, 301, "new");
        await send(6);
        const again = await RecoveringClient.open(`${other},new`, client);
        await send(202, 202, "left");
        await send(302, 302, "new");
        await again.receive(302);
        await again.receive(202);
        await again.receive(6);
        expect(again.numbers.sort()).to.deep.equal([202, 302, 6]);
        expect(again.gaps).to.deep.equal([]);
      });

      it("gives a client that lies no more than a gap", async () => {
        const { other, client } = await begin();
        client.cut();
        await send(6, 7);
        const { ticket = "" } = client;
        const lies: readonly (readonly [url: string, ticket: string, mark: number])[] = [
          [other, `${ticket.slice(0, -2)}AA`, 5],
          [other, ticket, 8],
          [other.replace("ada", "bob"), ticket, 5],
          [other, "", 5],
        ];
        for (const [url, text, room] of lies) {
          const liar = await RecoveringClient.open(url);
          liar.since(text, { room });
          await liar.until(() => liar.gaps.length > 0);
          expect(liar.log).to.deep.equal(["gap room"]);
        }
      });

      it("does not read messages from before the membership", async () => {
        sender = kind.start();
        const [one, other] = [await node(kind), await node(kind)];
        await send(1, 5);
        const client = await RecoveringClient.open(one);
        await client.until(() => client.ticket !== undefined);
        expect(client.marks).to.deep.equal({ room: 5 });
        client.cut();
        await send(6);
        const liar = await RecoveringClient.open(other);
        liar.since(client.ticket ?? "", { room: 4 });
        await liar.until(() => liar.gaps.length > 0);
        expect(liar.log).to.deep.equal(["gap room"]);
        const again = await RecoveringClient.open(other, client);
        await again.receive(6);
        expect(again.log).to.deep.equal([6]);
      });

      it("catches up without a repetition, also if `since` was not announced", async () => {
        const { other, client } = await begin();
        client.cut();
        await send(6, 8);
        const again = await RecoveringClient.open(other);
        await send(9);
        await again.receive(9);
        again.since(client.ticket ?? "", client.marks);
        await again.receive(8);
        await send(10);
        await again.receive(10);
        expect(again.log).to.deep.equal([9, 6, 7, 8, 10]);
        again.since(client.ticket ?? "", client.marks);
        await send(11);
        await again.receive(11);
        expect(again.log).to.deep.equal([9, 6, 7, 8, 10, 11]);
      });
    });
  }

  const memory = kinds.MemoryLayer as Kind;

  it("does not wait for an announced `since` for more than three seconds", async () => {
    sender = memory.start();
    const clock = new SimulatedClock();
    const url = await node(memory, { clock });
    const client = await RecoveringClient.open(url);
    await client.until(() => client.ticket !== undefined);
    const silent = new RecoveringClient(await SessionClient.open(url, ["greenroom.since"]));
    await silent.until(() => silent.session !== "");
    await send(1);
    await client.receive(1);
    clock.increment(2_999);
    await send(2);
    await client.receive(2);
    expect(silent.log).to.deep.equal([]);
    clock.increment(1);
    await silent.receive(2);
    expect(silent.log).to.deep.equal([1, 2]);
    await silent.until(() => silent.ticket !== undefined);
  });

  it("closes with 1002 if `since` is malformed", async () => {
    sender = memory.start();
    const url = await node(memory);
    const wrong: readonly object[] = [
      { ticket: 1, marks: {} },
      { ticket: "" },
      { ticket: "", marks: [] },
      { ticket: "", marks: { room: -1 } },
      { ticket: "", marks: { room: 1.5 } },
      { ticket: "", marks: { room: "1" } },
      { ticket: "", marks: { room: 1e300 } },
    ];
    for (const fields of wrong) {
      const { socket } = await RecoveringClient.open(url);
      socket.control({ c: "since", ...fields } as never);
      expect(await socket.closed, JSON.stringify(fields)).to.include({ code: 1002 });
    }
  });

  it("renews a ticket before it expires", async () => {
    sender = memory.start();
    const clock = new SimulatedClock();
    const url = await node(memory, { clock });
    const client = await RecoveringClient.open(url);
    await client.until(() => client.ticket !== undefined);
    const first = client.ticket;
    clock.increment(12 * 60 * 60 * 1_000);
    await client.until(() => client.ticket !== first);
  });

  it("sends nothing of it to a plain client, or if the class does not ask for it", async () => {
    sender = memory.start();
    const url = await node(memory);
    class Forgetful extends Room {
      static override readonly session = {};
    }
    const other = await node(memory, {}, Forgetful);
    const plain = await Client.open(url);
    const session = await RecoveringClient.open(other);
    session.since("", { room: 0 });
    await send(1);
    expect(await plain.next()).to.equal('{"type":"said","n":1}');
    await session.receive(1);
    expect(session.frames).to.deep.equal(['{"type":"said","n":1}']);
    expect([session.ticket, session.memberships.size]).to.deep.equal([undefined, 0]);
    expect(session.log).to.deep.equal([1]);
  });

  it("gives members the same text", async () => {
    sender = memory.start();
    const url = await node(memory);
    const clients = await Promise.all([RecoveringClient.open(url), RecoveringClient.open(url)]);
    await send(1);
    for (const client of clients) {
      await client.receive(1);
      expect(client.frames).to.deep.equal(['{"type":"said","n":1,"@":["room",1]}']);
    }
  });

  it("tells the client of a gap of the layer, and of the new epoch", async () => {
    const { start, lose } = kinds.RedisStreamsLayer as Kind;
    sender = start();
    const url = await node({ start, lose });
    const client = await RecoveringClient.open(url);
    await send(1);
    await client.receive(1);
    const { epoch } = client.memberships.get("room") ?? {};
    await lose("room");
    await send(2);
    await client.receive(2);
    expect(client.log).to.deep.equal([1, "gap room", 2]);
    expect(client.memberships.get("room")?.epoch).not.to.equal(epoch);
    expect(client.joins).to.deep.equal([0, 0]);
    expect(client.marks).to.deep.equal({ room: 1 });
  });

  it("tells of a gap again after a resume, unless the client has a later frame", async () => {
    const { start, lose } = kinds.RedisStreamsLayer as Kind;
    sender = start();
    const url = await node({ start, lose });
    const client = await RecoveringClient.open(url);
    await lose("room");
    await send(1);
    await client.receive(1);
    expect(client.gaps).to.deep.equal(["room"]);
    client.cut();
    client.frames.splice(0);
    const resumed = await client.resume(url, 1);
    await resumed.receive(1);
    await resumed.until(() => resumed.gaps.length === 1);
    await send(2);
    await resumed.receive(2);
    resumed.cut();
    const again = await resumed.resume(url, 2);
    await send(3);
    await again.receive(3);
    expect(again.gaps).to.deep.equal([]);
  });

  it("needs a layer with histories", async () => {
    const pubSub: Kind = { ...memory, start: () => new RedisPubSubLayer({ url: redisUrl(), prefix }) };
    sender = pubSub.start();
    const error = await node(pubSub).catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(MissingCapabilityError);
    expect(String(error)).to.contain("Room needs history");
  });
});
