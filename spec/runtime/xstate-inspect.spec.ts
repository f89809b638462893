import type { AsyncLocalStorage } from "node:async_hooks";
import { createWebSocketInspector, type StatelyInspectionEvent } from "@statelyai/inspect";
import { createInspectorServer } from "@statelyai/inspect/server";
import { expect } from "chai";
import {
  type ConsumerContext,
  type Effect,
  type FrameEvents,
  machineConsumer,
  WebSocketConsumer,
} from "greenroom";
import {
  type AnyActor,
  type AnyActorRef,
  emit,
  fromCallback,
  type InspectionEvent,
  type Observer,
  type StateValue,
  setup,
} from "xstate";
import { isInspected } from "../../actors/connection-machine.ts";
import { CallbackOwner } from "../../layers/error-reporter.ts";
import { until } from "../layers/support/until.ts";
import { Client } from "../support/client.ts";
import { freePort } from "../support/free-port.ts";
import { chat, serve, stopServing } from "../support/serving.ts";

/** Echoes frames, and closes on "go". */
class Parrot extends WebSocketConsumer {
  override receive(text: string) {
    if (text === "go") this.close(4000, "enough");
    else this.send(text);
  }
}

const lamp = setup({
  types: { events: {} as FrameEvents<{ press: object }>, emitted: {} as Effect },
  actors: { hum: fromCallback(() => {}) },
  actions: { glow: () => {} },
}).createMachine({
  id: "lamp",
  initial: "off",
  states: {
    off: { on: { "frame.press": { target: "on", actions: emit({ type: "send", frame: "on" }) } } },
    on: { entry: "glow", invoke: { src: "hum", id: "hum" } },
  },
});
const Lamp = machineConsumer(lamp);
const press = '{"type":"press"}';

interface ShownSnapshot {
  readonly status: string;
  readonly value?: StateValue;
}

/** The path of the innermost state, such as `joined.online`. */
function stateText(value: StateValue): string {
  if (typeof value === "string") return value;
  return Object.entries(value)
    .map(([parent, child = ""]) => `${parent}.${stateText(child)}`)
    .join();
}

/** A stable name of an actor: its machine's id, because XState numbers the actors of the whole process. */
function nameOf(actor: AnyActorRef | undefined): string {
  if (actor === undefined) return "outside";
  return actor.id === actor.sessionId ? (actor as AnyActor).logic.id : actor.id;
}

function lineOf(event: InspectionEvent): string {
  const who = nameOf(event.actorRef as AnyActorRef);
  switch (event.type) {
    case "@xstate.actor":
      return `${who} is there`;
    case "@xstate.event": {
      const source = nameOf(event.sourceRef as AnyActorRef | undefined);
      return `${who} gets ${event.event.type.replace(/x:\d+$/, source)} from ${source}`;
    }
    case "@xstate.snapshot": {
      const { status, value } = event.snapshot as ShownSnapshot;
      return `${who} is ${value === undefined ? status : stateText(value)}`;
    }
    case "@xstate.microstep":
      return `${who} takes ${event._transitions.map(({ eventType }) => eventType).join() || "nothing"}`;
    case "@xstate.action":
      return `${who} does ${event.action.type}`;
    default:
      return `${who}: ${event.type}`;
  }
}

describe("inspect", () => {
  afterEach(stopServing);

  it("receives every event of a connection, in order", async () => {
    const events: InspectionEvent[] = [];
    const { runtime, url } = await serve({ layers: {}, inspect: (event) => void events.push(event) });
    runtime.route("/ws", Parrot);
    const client = await Client.open(`${url}/ws`);
    client.send("go");
    await client.closed;
    await until(() => runtime.size === 0);
    expect(events.map(lineOf)).to.deep.equal([
      "supervisor is there",
      "supervisor gets xstate.init from outside",
      "supervisor is active",
      "connection is there",
      "connection gets xstate.init from supervisor",
      "connection is connecting",
      "connection gets accept from outside",
      "connection takes accept",
      "connection is joined.online",
      "connection gets close from outside",
      "connection does cleanUp",
      "connection takes close",
      "connection is closing",
      "connection gets lost from outside",
      "connection takes nothing",
      "connection is closing",
      "connection gets cleaned from outside",
      "connection takes cleaned",
      "supervisor gets xstate.done.actor.connection from connection",
      "supervisor is active",
      "connection is closed",
    ]);
    expect(new Set(events.map(({ rootId }) => rootId))).to.have.property("size", 1);
  });

  it("receives the events of a consumer's machine and its invoked actors, under one root", async () => {
    const events: InspectionEvent[] = [];
    const { runtime } = await serve({ layers: {}, inspect: (event) => void events.push(event) });
    const actor = await runtime.spawn(Lamp);
    const root = actor.machineActor?.sessionId;
    actor.receive(press);
    await actor.outgoing.next();
    await actor.stop();
    expect(events.filter(({ rootId }) => rootId === root).map(lineOf)).to.deep.equal([
      "lamp is there",
      "lamp gets xstate.init from outside",
      "lamp is off",
      "lamp gets frame.press from outside",
      "lamp does xstate.emit",
      "lamp does glow",
      "hum is there",
      "lamp does xstate.spawnChild",
      "lamp takes frame.press",
      "hum gets xstate.init from lamp",
      "hum is active",
      "lamp is on",
      "lamp gets disconnect from outside",
      "lamp takes nothing",
      "lamp is on",
      "lamp does xstate.stopChild",
      "lamp takes nothing",
      "hum is stopped",
      "lamp is on",
    ]);
  });

  it("identifies each connection and each consumer's machine by a unique id", async () => {
    const events: InspectionEvent[] = [];
    const { runtime } = await serve({ layers: {}, inspect: (event) => void events.push(event) });
    for (let spawned = 0; spawned < 3; spawned += 1) {
      await runtime.spawn(Lamp);
      await runtime.spawn(Parrot);
    }
    const born = events.flatMap(({ type, actorRef }) =>
      type === "@xstate.actor" ? [actorRef as AnyActorRef] : [],
    );
    expect(born).to.have.length(1 + 3 * 2 + 3);
    expect(new Set(born.map(({ sessionId }) => sessionId))).to.have.property("size", born.length);
  });

  it("calls an observer as a method", async () => {
    class Ear implements Observer<InspectionEvent> {
      heard = 0;
      next() {
        this.heard += 1;
      }
    }
    const ear = new Ear();
    const { runtime } = await serve({ layers: {}, inspect: ear });
    await runtime.spawn(Parrot);
    expect(ear.heard).to.be.above(3);
  });

  const failing: Record<string, Observer<InspectionEvent> | ((event: InspectionEvent) => void)> = {
    "a function": () => {
      throw new Error("deaf");
    },
    "an observer": {
      next() {
        throw new Error("deaf");
      },
    },
    "an async function": async () => {
      throw new Error("deaf");
    },
  };
  for (const [name, inspect] of Object.entries(failing)) {
    it(`reports the errors of ${name}, and affects no actor`, async () => {
      const { runtime, url, failures } = await serve({ layers: chat(), inspect });
      runtime.route("/ws", Parrot);
      runtime.route("/lamp", Lamp);
      const client = await Client.open(`${url}/ws`);
      client.send("hello");
      expect(await client.next()).to.equal("hello");
      client.send("go");
      expect(await client.closed).to.deep.equal({ code: 4000, reason: "enough" });
      const other = await Client.open(`${url}/lamp`);
      other.send(press);
      expect(await other.next()).to.equal("on");
      await other.close(1000);
      await stopServing();
      expect(runtime.size).to.equal(0);
      const messages = failures.map(({ error, stage }) => `${stage}: ${(error as Error).message}`);
      expect(new Set(messages)).to.deep.equal(new Set(["inspect: deaf"]));
      // Events of both connections, the supervisor and the machine.
      expect(messages).to.have.length.above(50);
    });
  }

  it("belongs to no actor", async () => {
    const watch = (globalThis as Record<symbol, unknown>)[Symbol.for("greenroom.async-errors.1")];
    const { owners } = watch as { readonly owners: AsyncLocalStorage<unknown> };
    const owner: unknown[] = [];
    const { runtime } = await serve({ layers: {}, inspect: () => void owner.push(owners.getStore()) });
    const actor = await runtime.spawn(Parrot);
    actor.receive("go");
    await actor.stop();
    expect(owner).to.have.length.above(10);
    const distinct = new Set(owner);
    expect(distinct).to.have.property("size", 1);
    expect([...distinct][0]).to.be.instanceOf(CallbackOwner);
  });

  it("costs nothing without the option", async () => {
    const { runtime } = await serve({ layers: {} });
    const inspectors: unknown[] = [];
    class Curious extends Parrot {
      constructor(context: ConsumerContext) {
        super(context);
        inspectors.push(context.runtime.inspect);
      }
    }
    const { system } = (await runtime.spawn(Curious)).machine;
    expect(inspectors).to.deep.equal([undefined]);
    expect(isInspected(system)).to.equal(false);
    const heard: string[] = [];
    const subscription = system.inspect(({ type }) => void heard.push(type));
    expect(isInspected(system)).to.equal(true);
    subscription.unsubscribe();
    await runtime.spawn(Lamp);
    expect(heard).to.deep.equal([]);
    expect(isInspected(system)).to.equal(false);
  });

  it("continues after other inspectors come and go", async () => {
    const taken: string[] = [];
    const { runtime } = await serve({
      layers: {},
      inspect: (event) => {
        if (event.type === "@xstate.microstep") taken.push(event.event.type);
      },
    });
    const first = await runtime.spawn(Parrot);
    first.machine.system.inspect(() => {}).unsubscribe();
    await runtime.spawn(Parrot);
    expect(taken).to.deep.equal(["accept", "accept"]);
  });
});

/** The state in a snapshot as the inspector sends it. */
function stateIn(event: StatelyInspectionEvent): string | undefined {
  if (event.type !== "@xstate.snapshot") return undefined;
  const { value } = event.snapshot as ShownSnapshot;
  return value && stateText(value);
}

describe("@statelyai/inspect", () => {
  const endings: (() => unknown)[] = [stopServing];
  after(async () => {
    for (const end of endings) await end();
  });

  it("receives all actors with their machines, events and snapshots over a socket", async () => {
    const port = await freePort();
    const relay = createInspectorServer({ port, autoOpen: false });
    // A client like the page of the Stately inspector.
    const page = await Client.open(`ws://localhost:${port}`);
    const inspector = createWebSocketInspector({ url: `ws://localhost:${port}` });
    endings.push(
      () => inspector.stop(),
      () => page.close(),
      () => relay.stop(),
    );
    const { runtime, url, failures } = await serve({ layers: chat(), inspect: inspector.inspect });
    runtime.route("/lamp", Lamp);
    const clients = await Promise.all(Array.from({ length: 10 }, () => Client.open(`${url}/lamp`)));
    for (const client of clients) {
      client.send(press);
      expect(await client.next()).to.equal("on");
      await client.close(1000);
    }
    await until(() => runtime.size === 0);

    const frames: string[] = [];
    const sent: StatelyInspectionEvent[] = [];
    while (sent.filter((event) => stateIn(event) === "closed").length < clients.length) {
      frames.push(String(await page.next()));
      sent.push(JSON.parse(frames.at(-1) as string) as StatelyInspectionEvent);
    }
    expect(failures).to.deep.equal([]);
    expect(Math.max(...frames.map(({ length }) => length))).to.be.below(2_500);

    const born = sent.flatMap((event) => (event.type === "@xstate.actor" ? [event] : []));
    const called = (name: string) => born.filter((event) => event.name === name);
    const [supervisor] = called("supervisor");
    expect(called("connection").map(({ parentId }) => parentId)).to.deep.equal(
      clients.map(() => supervisor?.sessionId),
    );
    expect(called("lamp").map(({ rootId, sessionId }) => rootId === sessionId)).to.deep.equal(
      clients.map(() => true),
    );
    expect(Object.keys(JSON.parse(called("lamp")[0]?.definition ?? "").states)).to.deep.equal(["off", "on"]);
    expect(Object.keys(JSON.parse(called("connection")[0]?.definition ?? "").states)).to.have.members([
      "connecting",
      "joined",
      "closing",
      "closed",
    ]);
    const of = (sessionId: string | undefined) => sent.filter((event) => event.sessionId === sessionId);
    const eventsOf = (sessionId: string | undefined) =>
      of(sessionId).flatMap((event) => (event.type === "@xstate.event" ? [event.event] : []));
    const statesOf = (sessionId: string | undefined) =>
      of(sessionId).flatMap((event) => stateIn(event) ?? []);
    for (const { sessionId } of called("connection")) {
      expect(eventsOf(sessionId)[0]).to.deep.equal({
        type: "xstate.init",
        input: { effects: { consumer: "lamp", path: "/lamp" } },
      });
      expect(eventsOf(sessionId).map(({ type }) => type)).to.include.members(["accept", "lost", "cleaned"]);
      expect(statesOf(sessionId)).to.deep.equal(["connecting", "joined.online", "closing", "closed"]);
    }
    for (const { sessionId } of called("lamp")) {
      expect(eventsOf(sessionId)).to.deep.include({ type: "frame.press", frame: { type: "press" } });
      expect(statesOf(sessionId).slice(0, 2)).to.deep.equal(["off", "on"]);
    }
  });
});
