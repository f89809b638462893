import { inspect } from "node:util";
import { expect } from "chai";
import {
  type Effect,
  handlers,
  MemoryLayer,
  machineConsumer,
  type RuntimeOptions,
  WebSocketConsumer,
} from "greenroom";
import { inspector } from "greenroom/inspector";
import { type AnyActor, emit, setup } from "xstate";
import { isInspected } from "../../actors/connection-machine.ts";
import type { HistoryEntry, ListRequest, MachineFacts } from "../../inspector/protocol.ts";
import type { ConsumerActor } from "../../runtime/actor/actor.ts";
import type { Observed } from "../../runtime/inspection-hooks.ts";
import { internals } from "../../runtime/internals.ts";
import { Client } from "../support/client.ts";
import { gate } from "../support/gate.ts";
import { InspectorClient } from "../support/inspector-client.ts";
import { chat, serve, stopServing } from "../support/serving.ts";

interface Words {
  word: { readonly text: string };
}

class Talk extends WebSocketConsumer<{ messages: Words }> {
  static override readonly layer = "chat";
  static override readonly supervision = { onFailure: "resume", maxFailures: 1_000 } as const;
  static override readonly on = handlers<Talk>({ word() {} });

  override async connect() {
    await this.accept();
    await this.groupAdd("talk");
    this.tag(`path.${this.scope.path.slice(4)}`);
    this.send("in");
  }
  override receive(text: string) {
    if (text === "fail") throw new Error("as it was told");
    if (text === "leave") return this.groupDiscard("talk");
    return this.groupSend("talk", { type: "word", text });
  }
}

const light = setup({ types: { emitted: {} as Effect } }).createMachine({
  id: "light",
  initial: "off",
  states: {
    off: { on: { "frame.press": "on" } },
    on: {
      initial: "dim",
      on: { "frame.press": "off" },
      states: {
        dim: { on: { "frame.up": "bright" } },
        bright: { entry: emit({ type: "send", frame: "bright" }) },
      },
    },
  },
});

describe("Lookout", () => {
  afterEach(stopServing);

  async function look(
    options: { payloads?: boolean } & Partial<RuntimeOptions<ReturnType<typeof chat>>> = {},
  ) {
    const { payloads = false, ...others } = options;
    const serving = await serve({ layers: chat(), ...others });
    inspector(serving.runtime, { path: "/inspect", payloads, tickMs: 20 });
    serving.runtime.route("/ws/a", Talk);
    serving.runtime.route("/ws/light", machineConsumer(light));
    const page = await InspectorClient.open(serving.url);
    const join = async (path = "/ws/a") => {
      const client = await Client.open(`${serving.url}${path}`);
      await client.next();
      return client;
    };
    return { ...serving, page, join };
  }

  it("says first who it is, then which consumers there are, routed or not, and what they do", async () => {
    const { page, runtime } = await look({ payloads: true });
    const hello = await page.next("hello");
    expect(hello).to.include({ payloads: true, nodeVersion: process.version, tickMs: 20 });
    const { consumers } = await page.next("consumers");
    expect(consumers).to.deep.equal([
      { id: "c1", name: "Talk", routes: ["/ws/a"], layer: "chat", hasOwn: false },
      { id: "c2", name: "light", routes: ["/ws/light"], hasOwn: true },
    ]);
    await page.next("tick");
    class Alone extends WebSocketConsumer {}
    await runtime.spawn(Alone);
    const news = await page.next("consumers");
    expect(news.consumers.at(-1)).to.deep.equal({ id: "c3", name: "Alone", routes: [], hasOwn: false });
  });

  it("counts the actors in each state of their machines, and the ways that they took", async () => {
    const { page, join, url } = await look();
    const connection = await machine(page, "c1", "connection");
    const own = await machine(page, "c2", "own");
    const first = await join();
    await join();
    const lamp = await Client.open(`${url}/ws/light`);
    lamp.send('{"type":"press"}');
    lamp.send('{"type":"up"}');
    await lamp.next();
    const moves: Record<string, number> = {};
    const tick = await page.next("tick", (tick) => {
      for (const { consumer, machine, mark, count } of tick.moves) {
        const key = `${consumer} ${machine === "own" ? own(mark) : connection(mark)}`;
        moves[key] = (moves[key] ?? 0) + count;
      }
      return tick.figures.actors === 3 && "c2 on.dim → on.bright" in moves;
    });
    const counted = Object.entries(tick.census).map(([consumer, { total, connection: all, own: some }]) => {
      const named = (counts: object, name: (mark: string) => string) =>
        Object.fromEntries(Object.entries(counts).map(([mark, count]) => [name(mark), count]));
      return [consumer, total, named(all, connection), named(some, own)];
    });
    expect(counted).to.deep.equal([
      ["c1", 2, { joined: 2 }, {}],
      ["c2", 1, { joined: 1 }, { on: 1, "on.bright": 1 }],
    ]);
    expect(moves).to.deep.equal({
      "c1 connecting": 2,
      "c1 connecting → joined": 2,
      "c2 connecting": 1,
      "c2 connecting → joined": 1,
      "c2 off": 1,
      "c2 off → on": 1,
      "c2 on.dim → on.bright": 1,
    });
    await first.close();
    const left = await page.next("tick", ({ figures }) => figures.actors === 2);
    expect(left.moves.map(({ mark }) => connection(mark))).to.deep.equal([
      "joined → closing",
      "closing → closed",
    ]);
  });

  it("hears of machines that ran before it looked, and of those that begin anew", async () => {
    const { runtime, url } = await serve({ layers: {} });
    const failing = setup({}).createMachine({
      initial: "well",
      states: {
        well: {
          on: {
            "frame.go": "well",
            "frame.fail": {
              actions: () => {
                throw new Error("told");
              },
            },
          },
        },
      },
    });
    const Failing = machineConsumer(failing, { supervision: { onFailure: "restart", backoffMs: 0 } });
    runtime.route("/ws", Failing);
    inspector(runtime, { path: "/inspect", tickMs: 20 });
    const client = await Client.open(`${url}/ws`);
    const page = await InspectorClient.open(url);
    const [row] = (await page.list()).rows;
    await page.open(row?.id ?? "");
    client.send('{"type":"go"}');
    await page.entriesUntil(({ what }) => what === "frame.go");
    client.send('{"type":"fail"}');
    await page.entriesUntil(({ kind, what }) => kind === "transition" && what === "");
    client.send('{"type":"go"}');
    const entries = await page.entriesUntil(({ what }) => what === "frame.go");
    expect(entries.filter(({ what }) => what === "frame.go")).to.have.lengthOf(1);
  });

  it("keeps nothing, hears nothing and runs no timer while nobody looks", async () => {
    const { runtime, url } = await serve({ layers: {} });
    inspector(runtime, { path: "/inspect", tickMs: 20 });
    const { context } = runtime[internals];
    const connections = context.supervisor.actor.system;
    const lamp = await runtime.spawn(machineConsumer(light));
    const listening = listeners(lamp.machineActor as AnyActor);
    const timers = sessionTimers();
    const state = () => ({
      looks: context.inspection.observer !== undefined,
      hears: isInspected(connections),
      listening: listening(),
      timers: timers.count,
    });
    const [still, awake] = [
      { looks: false, hears: false, listening: 0, timers: 0 },
      { looks: true, hears: true, listening: 1, timers: 1 },
    ];
    try {
      expect(state()).to.deep.equal(still);
      const one = await InspectorClient.open(url);
      const other = await InspectorClient.open(url);
      await other.next("tick", ({ figures }) => figures.watching === 2);
      expect(state()).to.deep.equal(awake);
      await one.close();
      await other.next("tick", ({ figures }) => figures.watching === 1);
      expect(state()).to.deep.equal(awake);
      await other.close();
      while (context.supervisor.size > 1) await new Promise(setImmediate);
      expect(state()).to.deep.equal(still);
      const again = await InspectorClient.open(url);
      expect((await again.open(lamp.machine.sessionId)).entries).to.deep.equal([]);
    } finally {
      timers.restore();
    }
  });

  it("shows nothing of those who look: neither them, nor their frames, nor their ways", async () => {
    const { page, url } = await look();
    await page.list();
    const other = await InspectorClient.open(url);
    await other.list();
    for (let ticks = 0; ticks < 3; ticks += 1) {
      const { census, figures, moves } = await page.next("tick");
      expect(census).to.deep.equal({});
      expect(moves).to.deep.equal([]);
      expect([figures.framesInPerSecond, figures.framesOutPerSecond]).to.deep.equal([0, 0]);
    }
    expect((await page.list()).matched).to.equal(0);
  });

  it("looks the less often the longer a look takes, so that it takes a twentieth of the time at most", async () => {
    const chat = new MemoryLayer();
    const lookMs = 5;
    Object.defineProperty(chat, "health", {
      get() {
        const end = performance.now() + lookMs;
        while (performance.now() < end);
        return { ok: true };
      },
    });
    const { runtime, url } = await serve({ layers: { chat } });
    inspector(runtime, { path: "/inspect", tickMs: 20 });
    const timers = sessionTimers();
    try {
      const page = await InspectorClient.open(url);
      for (let ticks = 0; ticks < 3; ticks += 1) await page.next("tick");
      expect(timers.delays[0]).to.equal(20);
      expect(timers.delays[1]).to.be.at.least(20 * lookMs);
    } finally {
      timers.restore();
    }
  });

  it("goes on where a look fails, and says so", async () => {
    const chat = new MemoryLayer();
    let fails = false;
    Object.defineProperty(chat, "health", {
      get() {
        if (fails) throw new Error("no health");
        return { ok: true };
      },
    });
    const { runtime, url, failures } = await serve({ layers: { chat } });
    inspector(runtime, { path: "/inspect", tickMs: 20 });
    const page = await InspectorClient.open(url);
    await page.next("tick");
    fails = true;
    while (failures.length === 0) await new Promise(setImmediate);
    fails = false;
    await page.next("tick", (tick) => tick.failures.length > 0);
    expect(failures[0]).to.deep.include({ stage: "inspector" });
  });

  it("forgets consumers that are not routed once none of their actors is there", async () => {
    const { page, runtime } = await look();
    const names = (count: number) =>
      page
        .next("consumers", ({ consumers }) => consumers.length === count)
        .then(({ consumers }) => consumers.map(({ id, name }) => `${id} ${name}`));
    await names(2);
    const made = () => class extends WebSocketConsumer {};
    const one = await runtime.spawn(made());
    expect(await names(3)).to.deep.equal(["c1 Talk", "c2 light", "c3 (anonymous)"]);
    await one.stop();
    await names(2);
    await runtime.spawn(made());
    expect(await names(3)).to.deep.equal(["c1 Talk", "c2 light", "c4 (anonymous)"]);
  });

  it("takes a static of another class for no machine, nor for a name", async () => {
    const { page, runtime } = await look();
    class Odd extends WebSocketConsumer {
      static readonly machine = light;
      static override readonly name = 7 as unknown as string;
    }
    await runtime.spawn(Odd);
    const { consumers } = await page.next("consumers", (news) => news.consumers.length === 3);
    expect(consumers[2]).to.include({ name: "(anonymous)", hasOwn: false });
  });

  it("lets what an actor does end as it would end unwatched", async () => {
    const { page, runtime } = await look({ payloads: true });
    class Sends extends WebSocketConsumer {
      static override readonly layer = "chat";
      override async receive(text: string) {
        const exotic = {
          type: text === "number" ? 7 : "word",
          [inspect.custom]: () => {
            throw new Error("shown");
          },
        };
        await this.groupSend("talk", exotic as never).catch((error) => this.send((error as Error).message));
        this.send("done");
      }
    }
    const sends = await runtime.spawn(Sends);
    page.ask({ type: "payloads", shown: true });
    await page.open(sends.machine.sessionId);
    sends.receive("number");
    sends.receive("word");
    const entries = await page.entriesUntil(({ kind, bytes }) => kind === "sent" && bytes === 4);
    expect(entries.map(({ kind, what }) => `${kind} ${what}`).slice(0, 3)).to.deep.equal([
      "frame text",
      "groupSend 7",
      "sent text",
    ]);
    expect((await sends.outgoing.next()).value).to.match(/^A message .*type/);
    await expectRejection(
      runtime.spawn(machineConsumer(light), {
        snapshot: { status: "active", value: "nowhere", context: {}, historyValue: {}, children: {} },
      }),
      "State 'nowhere' does not exist",
    );
    await page.list();
  });

  it("tells all readers, though one of them cannot be told", async () => {
    const { runtime, url, failures } = await serve({ layers: {} });
    inspector(runtime, { path: "/inspect", tickMs: 20 });
    const one = await InspectorClient.open(url);
    await one.next("tick");
    const [first] = [...runtime[internals].context.supervisor.children];
    Object.defineProperty((first as ConsumerActor).transport, "send", {
      value: () => {
        throw new Error("not to be told");
      },
    });
    const other = await InspectorClient.open(url);
    for (let ticks = 0; ticks < 3; ticks += 1) await other.next("tick");
    expect(failures[0]).to.deep.include({ stage: "inspector" });
  });

  it("keeps no more than the beginning of what others have named", async () => {
    const { page, runtime } = await look();
    await runtime.spawn(class extends WebSocketConsumer {}, { path: `/${"p".repeat(10_000)}` });
    const [row] = (await page.list()).rows;
    expect(row?.path).to.have.lengthOf(301);
    const { entries } = await page.open(row?.id ?? "");
    expect(entries[0]?.detail).to.have.lengthOf(301);
  });

  it("harms no actor, whatever fails in it", async () => {
    const { page, runtime, failures } = await look();
    const talk = await runtime.spawn(Talk);
    await page.open(talk.machine.sessionId);
    const { observer } = runtime[internals].context.inspection;
    const item = new Proxy(
      {},
      {
        has() {
          throw new Error("not to be looked at");
        },
      },
    );
    const [actor] = [...runtime[internals].context.supervisor.children].filter(
      ({ machine }) => machine === talk.machine,
    );
    observer?.handling(actor as Observed, item as never);
    expect(failures.map(({ error, stage }) => [stage, (error as Error).message])).to.deep.equal([
      ["inspector", "not to be looked at"],
    ]);
    await page.list();
  });

  describe("the list", () => {
    it("is paged, sorted, and says how many there are", async () => {
      const { page, runtime } = await look();
      for (const path of ["/ws/1", "/ws/2", "/ws/3"]) await runtime.spawn(Talk, { path });
      const paths = async (request: Partial<ListRequest>) => {
        const { matched, rows } = await page.list(request);
        return [matched, ...rows.map(({ path }) => path)];
      };
      expect(await paths({ limit: 2 })).to.deep.equal([3, "/ws/1", "/ws/2"]);
      expect(await paths({ limit: 2, offset: 2 })).to.deep.equal([3, "/ws/3"]);
      expect(await paths({ offset: 9 })).to.deep.equal([3]);
      expect(await paths({ sort: "newest" })).to.deep.equal([3, "/ws/3", "/ws/2", "/ws/1"]);
    });

    it("shows where an actor is, what it is in, and what waits for it", async () => {
      const { page, runtime } = await look();
      const [held, holds] = [gate(), gate()];
      class Busy extends WebSocketConsumer {
        static override readonly layer = "chat";
        override async connect() {
          await this.groupAdd("talk");
          this.tag("user.7");
        }
        override receive() {
          holds.open();
          return held.opened;
        }
      }
      const idle = await runtime.spawn(Talk, { path: "/ws/idle" });
      const busy = await runtime.spawn(Busy, { path: "/ws/busy" });
      for (const text of ["one", "two", "three"]) busy.receive(text);
      await holds.opened;
      const [row, ...others] = (await page.list({ sort: "mailbox", limit: 1 })).rows;
      expect(others).to.deep.equal([]);
      expect(row?.ageMs).to.be.within(0, 10_000);
      expect({ ...row, ageMs: 0 }).to.deep.equal({
        id: busy.machine.sessionId,
        consumer: "c3",
        channel: busy.channel,
        path: "/ws/busy",
        state: "joined",
        groups: ["talk"],
        groupCount: 1,
        tags: ["user.7"],
        mailbox: 2,
        busy: true,
        waitingBytes: 0,
        ageMs: 0,
      });
      held.open();
      expect(idle.channel).to.be.a("string");
    });

    it("makes no channel for an actor that has none", async () => {
      const { page, runtime } = await look();
      class Alone extends WebSocketConsumer {}
      await runtime.spawn(Alone);
      const [row] = (await page.list()).rows;
      expect(row).to.include({ groupCount: 0 }).and.not.have.property("channel");
    });

    it("finds actors by words in channel, consumer, path, state, group, tag and error, by consumer and by state", async () => {
      const { page, runtime, failures } = await look();
      const one = await runtime.spawn(Talk, { path: "/ws/One" });
      const two = await runtime.spawn(Talk, { path: "/ws/two" });
      const lamp = await runtime.spawn(machineConsumer(light), { path: "/ws/lamp" });
      lamp.receive('{"type":"press"}');
      two.receive("leave");
      one.receive("fail");
      while (failures.length === 0) await new Promise(setImmediate);
      const found = async (request: Partial<ListRequest>) =>
        (await page.list(request)).rows.map(({ path }) => path);
      for (const [search, ...paths] of [
        [one.channel, "/ws/One"],
        ["talk", "/ws/One", "/ws/two"],
        ["TALK two", "/ws/two"],
        ["/ws/o", "/ws/One"],
        ["on.dim", "/ws/lamp"],
        ["joined", "/ws/One", "/ws/two", "/ws/lamp"],
        ["path.one", "/ws/One"],
        ["was told", "/ws/One"],
        ["nobody"],
        ["  ", "/ws/One", "/ws/two", "/ws/lamp"],
      ] as const) {
        expect(await found({ search }), search).to.deep.equal(paths);
      }
      expect(await found({ sort: "error", limit: 1 })).to.deep.equal(["/ws/One"]);
      const id = (await page.list({ search: "lamp" })).rows[0]?.consumer ?? "";
      expect(await found({ consumer: id })).to.deep.equal(["/ws/lamp"]);
      expect(await found({ consumer: "c99" })).to.deep.equal([]);
      const own = await machines(page, id);
      const state = (path: string) => ({
        machine: "own" as const,
        mark: own.find(({ kind }) => kind === "own")?.states.find((known) => known.path === path)?.mark ?? "",
      });
      expect(await found({ consumer: id, state: state("on") })).to.deep.equal(["/ws/lamp"]);
      expect(await found({ consumer: id, state: state("off") })).to.deep.equal([]);
      expect(await found({ consumer: "c1", state: { machine: "connection", mark: "s2" } })).to.deep.equal([
        "/ws/One",
        "/ws/two",
      ]);
    });
  });

  describe("a history", () => {
    it("has a connection's whole life, as far as it was looked at: what came, what went, its machines, its groups", async () => {
      const { page, join } = await look();
      const client = await join();
      const [row] = (await page.list()).rows;
      const { entries, since, row: shown } = await page.open(row?.id ?? "");
      expect(shown?.id).to.equal(row?.id);
      expect(since).to.be.at.most(Date.now());
      client.send("hello");
      const talk = await page.entriesUntil(({ kind }) => kind === "message");
      client.send("leave");
      await page.entriesUntil(({ kind }) => kind === "groupDiscard");
      await client.close(4000, "enough");
      const end = await page.entriesUntil(({ kind }) => kind === "ended");
      expect([...entries, ...talk].map(shortly)).to.deep.equal([
        "client→actor began /ws/a",
        "actor→actor transition accept connecting → joined",
        "actor→layer groupAdd talk",
        "actor→client sent text 2",
        "client→actor frame text 5",
        "actor→layer groupSend word talk",
        "layer→actor message word talk",
      ]);
      expect(end.map(shortly)).to.deep.equal([
        "actor→actor transition lost joined → closing",
        "actor→actor transition cleaned closing → closed",
        "actor→actor ended 4000 by client: enough",
      ]);
      const times = [...entries, ...talk, ...end].map(({ at }) => at);
      expect(times).to.deep.equal([...times].sort());
      const gone = await page.next("history");
      expect(gone).to.not.have.property("row");
    });

    it("of one that was refused says how", async () => {
      const { page, url, runtime } = await look();
      class No extends WebSocketConsumer {
        override connect() {
          this.reject(409, "Full");
        }
      }
      runtime.route("/ws/no", No);
      await Client.refused(`${url}/ws/no`);
      const tick = await page.next("tick", ({ moves }) => moves.length > 0);
      expect(tick.figures.refused).to.equal(1);
    });

    it("has no payloads unless they are allowed and asked for, and only for who asked", async () => {
      const { page, join, url } = await look({ payloads: true });
      const client = await join();
      const [row] = (await page.list()).rows;
      const other = await InspectorClient.open(url);
      await page.open(row?.id ?? "");
      await other.open(row?.id ?? "");
      const payloads = async (from: InspectorClient, text: string) => {
        client.send(text);
        const isLast = ({ kind }: HistoryEntry) => kind === "message";
        return (await from.entriesUntil(isLast)).map(({ payload }) => payload);
      };
      expect(await payloads(page, "quiet")).to.deep.equal([undefined, undefined, undefined]);
      page.ask({ type: "payloads", shown: true });
      await page.list();
      expect(await payloads(page, "aloud")).to.deep.equal([
        "aloud",
        "{ type: 'word', text: 'aloud' }",
        "{ type: 'word', text: 'aloud' }",
      ]);
      await other.entriesUntil(({ kind }) => kind === "message");
      expect(
        (await other.entriesUntil(({ kind }) => kind === "message")).map(({ payload }) => payload),
      ).to.deep.equal([undefined, undefined, undefined]);
      page.ask({ type: "payloads", shown: false });
      await page.list();
      expect(await payloads(page, "quiet again")).to.deep.equal([undefined, undefined, undefined]);
    });

    it("has none where they are not allowed, whoever asks, and no more than their beginning where they are", async () => {
      const strict = await look();
      const [row] = await joinAndList(strict);
      strict.page.ask({ type: "payloads", shown: true });
      await strict.page.open(row?.id ?? "");
      (await strict.join()).send("seen by all");
      const seen = await strict.page.entriesUntil(({ kind }) => kind === "message");
      expect(seen.filter(({ payload }) => payload !== undefined)).to.deep.equal([]);

      const open = await look({ payloads: true });
      const client = await open.join();
      const [shown] = (await open.page.list()).rows;
      await open.page.open(shown?.id ?? "");
      open.page.ask({ type: "payloads", shown: true });
      await open.page.list();
      client.send("x".repeat(50_000));
      const [frame] = await open.page.entriesUntil(({ kind }) => kind === "frame");
      expect(frame).to.include({ bytes: 50_000 });
      expect(frame?.payload).to.have.lengthOf(2_001);
    });

    it("records no payloads for somebody who has left", async () => {
      const { page, join, url } = await look({ payloads: true });
      const client = await join();
      const [row] = (await page.list()).rows;
      const curious = await InspectorClient.open(url);
      await curious.open(row?.id ?? "");
      curious.ask({ type: "payloads", shown: true });
      await curious.list();
      await curious.close();
      await page.next("tick", ({ figures }) => figures.watching === 1);
      client.send("secret");
      await page.next("tick", ({ figures }) => figures.framesInPerSecond > 0);
      const late = await InspectorClient.open(url);
      late.ask({ type: "payloads", shown: true });
      const { entries } = await late.open(row?.id ?? "");
      const frames = entries.filter(({ kind }) => kind === "frame");
      expect(frames.map(({ bytes, payload }) => [bytes, payload])).to.deep.equal([[6, undefined]]);
    });

    it("has no transition where a machine stays as it is: on its way out, or where it cannot take an event", async () => {
      const { page, url, runtime } = await look();
      class Fails extends WebSocketConsumer {
        override receive() {
          throw new Error("as it was told");
        }
      }
      runtime.route("/ws/fails", Fails);
      const [lamp, failing] = [await Client.open(`${url}/ws/light`), await Client.open(`${url}/ws/fails`)];
      const { rows } = await page.list();
      const transitionsOf = (entries: readonly HistoryEntry[]) =>
        entries.flatMap(({ kind, detail }) => (kind === "transition" ? [detail] : []));
      await page.open(rows[0]?.id ?? "");
      lamp.send('{"type":"up"}');
      expect(transitionsOf(await page.entriesUntil(({ kind }) => kind === "sent"))).to.deep.equal([]);
      await page.open(rows[1]?.id ?? "");
      failing.send("now");
      expect(transitionsOf(await page.entriesUntil(({ kind }) => kind === "ended"))).to.deep.equal([
        "joined → closing",
        "closing → closed",
      ]);
    });

    it("is a sample where much happens, and says how much that is", async () => {
      const { page, runtime } = await look();
      const talk = await runtime.spawn(Talk);
      await page.open(talk.machine.sessionId);
      for (let count = 0; count < 1_000; count += 1) talk.receive("leave");
      const history = await page.next("history", ({ eventsPerSecond }) => eventsPerSecond >= 2_000);
      expect(history.recordedPerSecond).to.be.within(1, 220);
    });

    it("says when a failure happened, and the list of failures whose it was", async () => {
      const { page, join } = await look();
      const client = await join();
      const [row] = (await page.list()).rows;
      await page.open(row?.id ?? "");
      client.send("fail");
      const entries = await page.entriesUntil(({ kind }) => kind === "failed");
      expect(shortly(entries.at(-1) as HistoryEntry)).to.equal("actor→actor failed receive as it was told");
      const { failures } = await page.next("tick", (tick) => tick.failures.length > 0);
      expect({ ...failures[0], at: 0 }).to.deep.equal({
        at: 0,
        actor: row?.id,
        consumer: "Talk",
        path: "/ws/a",
        stage: "receive",
        message: "as it was told",
      });
      const [failed] = (await page.list({ sort: "error" })).rows;
      expect(failed?.lastError).to.include({ stage: "receive", message: "as it was told" });
    });
  });

  it("remembers failures that nobody looked at, the last 20", async () => {
    const { runtime, url } = await serve({ layers: chat() });
    inspector(runtime, { path: "/inspect", tickMs: 20 });
    const talk = await runtime.spawn(Talk);
    for (let count = 0; count < 25; count += 1) talk.receive("fail");
    const page = await InspectorClient.open(url);
    const { failures } = await page.next("tick");
    expect(failures).to.have.lengthOf(20);
    expect((await page.list()).rows[0]).to.have.nested.property("lastError.message", "as it was told");
  });

  it("reports layers with their health, totals, rates and drops, and what the runtime dropped", async () => {
    const { page, runtime } = await look();
    const talk = await runtime.spawn(Talk);
    talk.receive("hello");
    await page.next("tick", ({ figures }) => figures.framesInPerSecond > 0 && figures.framesOutPerSecond > 0);
    await runtime.layers.chat.send(`${talk.channel.split("!")[0]}!zz`, { type: "word", text: "?" });
    await runtime.layers.chat.groupSend("talk", { type: "nonsense" } as never);
    const tick = await page.next(
      "tick",
      ({ figures, layers }) => "unhandled" in figures.dropped && "no-channel" in (layers[0]?.dropped ?? {}),
    );
    const [layer] = tick.layers;
    expect(layer).to.deep.include({ alias: "chat", kind: "MemoryLayer", health: { ok: true } });
    expect(layer?.published).to.be.at.least(2);
    expect(layer?.dropped["no-channel"]).to.include({ total: 1 });
    expect(layer?.dropped["no-channel"]?.perSecond).to.be.greaterThan(0);
    expect(layer?.publishedPerSecond).to.be.greaterThan(0);
    expect(tick.figures.deliveriesPerSecond).to.equal(layer?.deliveredPerSecond);
    expect(Object.keys(tick.figures.dropped)).to.deep.equal(["unhandled"]);
    expect(Object.keys(layer?.dropped ?? {})).to.deep.equal(["no-channel"]);
    expect(tick.figures.dropped.unhandled).to.include({ total: 1 });
    expect(tick.figures.loopDelay.max).to.be.at.least(tick.figures.loopDelay.p50);
  });

  it("refuses what is no request, and stays", async () => {
    const { page } = await look();
    const list = { type: "list", sort: "oldest", offset: 0, limit: 50 };
    for (const request of [
      null,
      "list",
      {},
      { type: "__proto__" },
      { ...list, sort: "constructor" },
      { ...list, limit: 201 },
      { ...list, offset: -1 },
      { ...list, search: "x".repeat(501) },
      { ...list, state: "joined" },
      { type: "open", actor: 7 },
      { type: "machines" },
    ]) {
      page.ask(request);
      expect((await page.next("refused")).reason, JSON.stringify(request)).to.be.a("string");
    }
    expect(await machines(page, "c99")).to.deep.equal([]);
    expect((await page.open("x:none")).entries).to.deep.equal([]);
    await page.list();
  });
});

async function expectRejection(promise: Promise<unknown>, message: string) {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).to.be.an("error").with.property("message").that.includes(message);
}

function shortly({ from, to, kind, what, bytes, detail }: HistoryEntry): string {
  return [`${from}→${to}`, kind, what, bytes, detail]
    .filter((part) => part !== undefined && part !== "")
    .join(" ");
}

async function joinAndList({ join, page }: { join(): Promise<Client>; page: InspectorClient }) {
  await join();
  return (await page.list()).rows;
}

async function machines(page: InspectorClient, consumer: string): Promise<readonly MachineFacts[]> {
  page.ask({ type: "machines", consumer });
  return (await page.next("machines")).machines;
}

/** Gives a way to read marks of a machine: the path of a state, `from → to` of an arrow. */
async function machine(page: InspectorClient, consumer: string, kind: MachineFacts["kind"]) {
  const facts = (await machines(page, consumer)).find((known) => known.kind === kind) as MachineFacts;
  const state = (mark: string) => facts.states.find((known) => known.mark === mark)?.path;
  return (mark: string): string => {
    const arrow = facts.arrows.find((known) => known.mark === mark);
    return arrow ? `${state(arrow.from)} → ${arrow.to.map(state)}` : String(state(mark));
  };
}

/** How many inspect an actor's system, of those who begin from now on. */
function listeners(actor: AnyActor): () => number {
  const { system } = actor;
  const { inspect } = system;
  let count = 0;
  system.inspect = (observer) => {
    const subscription = inspect(observer);
    count += 1;
    return {
      unsubscribe() {
        subscription.unsubscribe();
        count -= 1;
      },
    };
  };
  return () => count;
}

/** The timers of the lookout that are begun from now on. */
function sessionTimers() {
  const { setTimeout, clearTimeout } = globalThis;
  const running = new Set<unknown>();
  const delays: number[] = [];
  globalThis.setTimeout = ((work: (...args: unknown[]) => void, ms: number, ...args: unknown[]) => {
    if (!new Error().stack?.includes("inspector/inspector-session.ts"))
      return setTimeout(() => work(...args), ms);
    delays.push(ms);
    const timer = setTimeout(() => {
      running.delete(timer);
      work();
    }, ms);
    running.add(timer);
    return timer;
  }) as typeof setTimeout;
  globalThis.clearTimeout = (timer) => {
    running.delete(timer);
    clearTimeout(timer);
  };
  return {
    /** How long each is, in milliseconds. */
    delays,
    get count() {
      return running.size;
    },
    restore: () => Object.assign(globalThis, { setTimeout, clearTimeout }),
  };
}
