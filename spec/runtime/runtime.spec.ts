import { once } from "node:events";
import { createServer } from "node:http";
import { expect } from "chai";
import {
  type Capabilities,
  type Capability,
  type Clock,
  createRuntime,
  type GreenroomError,
  handlers,
  InvalidOptionError,
  JsonWebSocketConsumer,
  MemoryLayer,
  MissingCapabilityError,
  type RejectedError,
  RuntimeClosedError,
  WebSocketConsumer,
} from "greenroom";
import { SimulatedClock, waitFor } from "xstate";
import { Client } from "../support/client.ts";
import { gate } from "../support/gate.ts";
import { chat, serve, stopServing } from "../support/serving.ts";

interface Notes {
  note: { text: string };
}

class Member extends WebSocketConsumer<{ messages: Notes; params: "group" }> {
  static override readonly layer = "chat";
  static override readonly on = handlers<Member>({
    note({ text }) {
      this.send(text);
    },
  });
  override async connect() {
    await this.accept();
    await this.groupAdd(this.scope.params.group);
  }
  override receive(text: string) {
    return this.groupSend(this.scope.params.group, { type: "note", text }, { except: this.channel });
  }
}

class Echo extends WebSocketConsumer {
  override receive(text: string) {
    this.send(text);
  }
}

describe("Runtime", () => {
  afterEach(stopServing);

  describe("#route", () => {
    it("refuses a consumer of an unknown layer, and lists the layers", async () => {
      await using runtime = createRuntime({ layers: { chat: new MemoryLayer(), queue: new MemoryLayer() } });
      await using bare = createRuntime();
      class Lost extends WebSocketConsumer {
        static override readonly layer = "chats";
      }
      expect(() => runtime.route("/ws", Lost as never)).to.throw(
        'Lost names the layer "chats", which this runtime does not have. It has: chat, queue.',
      );
      expect(() => bare.route("/ws", Lost as never)).to.throw("It has none");
    });

    it("replaces a route on request, and leaves existing connections to their consumer", async () => {
      const version = (name: string) =>
        class extends WebSocketConsumer {
          override receive() {
            this.send(name);
          }
        };
      const answer = (client: Client) => {
        client.send("?");
        return client.next();
      };
      const { runtime, url } = await serve({ layers: chat() });
      runtime.route("/ws", version("one"));
      const first = await Client.open(`${url}/ws`);
      expect(() => runtime.route("/ws", version("two")))
        .to.throw("pass { replace: true } to replace that route")
        .with.property("code", "ERR_ROUTE");
      runtime.route("/ws", version("two"), { replace: true });
      const second = await Client.open(`${url}/ws`);
      expect([await answer(first), await answer(second)]).to.deep.equal(["one", "two"]);
    });
  });

  describe("#unroute", () => {
    it("takes a route away, leaves existing connections open, and returns whether there was one", async () => {
      const { runtime, url } = await serve({ layers: chat() });
      runtime.route("/ws/:name", Echo);
      const client = await Client.open(`${url}/ws/a`);
      expect([runtime.unroute("/ws/:id"), runtime.unroute("/ws/:id")]).to.deep.equal([true, false]);
      expect(await Client.refused(`${url}/ws/a`)).to.include({ status: 404 });
      expect((await fetch(`${url}/ws/a`)).status).to.equal(404);
      client.send("still here");
      expect(await client.next()).to.equal("still here");
    });
  });

  describe("with a consumer that has needs", () => {
    /** A layer that claims these capabilities. */
    const layerWith = (...abilities: Capability[]) => {
      class Able extends MemoryLayer {
        override get capabilities(): Capabilities {
          const added = Object.fromEntries(abilities.map((name) => [name, true]));
          const none = { crossProcess: false, history: false, workers: false, state: false };
          return { delivery: "at-most-once", ...none, ...added };
        }
      }
      return new Able();
    };
    class Archive extends WebSocketConsumer {
      static override readonly layer = "chat";
      static override readonly needs = ["history", "crossProcess"] as const;
    }
    const codeOf = (error: unknown) => (error as GreenroomError).code;

    it("accepts it if its layer has all capabilities", async () => {
      await using runtime = createRuntime({
        layers: { chat: layerWith("history", "crossProcess", "workers") },
      });
      runtime.route("/ws", Archive);
      expect((await runtime.spawn(Archive)).machine.getSnapshot().matches("joined")).to.equal(true);
    });

    it("keeps the histories of its layer from `route` or `spawn` on, if it needs them", async () => {
      class Reader extends WebSocketConsumer {
        static override readonly layer = "chat";
        static override readonly needs = ["history"] as const;
      }
      class Sender extends WebSocketConsumer {
        static override readonly layer = "chat";
      }
      for (const register of ["route", "spawn"] as const) {
        const layers = { chat: new MemoryLayer(), other: new MemoryLayer() };
        await using runtime = createRuntime({ layers, control: "other" });
        const read = () =>
          layers.chat.history("group").then(
            ({ entries }) => entries.map(({ message }) => message.type),
            (error) => codeOf(error),
          );
        runtime.route("/ws/sender", Sender);
        await layers.chat.groupSend("group", { type: "before" });
        expect(await read()).to.equal("ERR_UNSUPPORTED");
        if (register === "route") runtime.route("/ws/reader", Reader);
        else await runtime.spawn(Reader);
        await layers.chat.groupSend("group", { type: "after" });
        expect(await read()).to.deep.equal(["after"]);
        expect(await layers.other.history("group").catch(codeOf)).to.equal("ERR_UNSUPPORTED");
      }
    });

    it("refuses it in route and spawn if its layer lacks a capability, which the error names", async () => {
      await using runtime = createRuntime({ layers: { chat: layerWith("history") } });
      const message =
        'Archive needs crossProcess, which the layer "chat" lacks: use another layer for that alias. ' +
        "This layer has: at-most-once delivery, history.";
      expect(() => runtime.route("/ws", Archive)).to.throw(MissingCapabilityError, message);
      const refusal = await runtime.spawn(Archive).catch((error) => error);
      expect(refusal).to.be.instanceOf(MissingCapabilityError).and.to.have.property("message", message);
      expect(codeOf(refusal)).to.equal("ERR_MISSING_CAPABILITY");
      expect(runtime.size).to.equal(0);
    });

    it("lists all missing capabilities at once, and those of the layer", async () => {
      await using runtime = createRuntime({ layers: { chat: layerWith() } });
      expect(() => runtime.route("/ws", Archive)).to.throw(
        'Archive needs history, crossProcess, which the layer "chat" lacks: ' +
          "use another layer for that alias. This layer has: at-most-once delivery.",
      );
    });

    it("refuses it without a layer", async () => {
      await using runtime = createRuntime();
      class Nowhere extends WebSocketConsumer {
        static override readonly needs = ["workers"] as const;
      }
      expect(() => runtime.route("/ws", Nowhere)).to.throw(
        MissingCapabilityError,
        "Nowhere needs workers, but has no layer: set its static property `layer`.",
      );
    });
  });

  describe("options", () => {
    it("have defaults if undefined, and a limit cannot be switched off", async () => {
      const { runtime, url } = await serve({
        layers: chat(),
        maxPayload: undefined,
        connectTimeoutMs: undefined,
      } as never);
      runtime.route("/ws", Echo);
      const client = await Client.open(`${url}/ws`);
      client.send("x".repeat(65_537));
      expect(await client.closed).to.have.property("code", 1009);
      for (const limit of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, "1"]) {
        expect(() => createRuntime({ maxPayload: limit as number }), `${limit}`).to.throw(
          InvalidOptionError,
          "`maxPayload` must be an integer from 1 to 2147483647",
        );
      }
      expect(() => createRuntime({ maxPayLoad: 1 } as never)).to.throw('Unknown option "maxPayLoad"');
    });

    it("of a consumer class are refused under a name that does not exist", async () => {
      await using runtime = createRuntime();
      const misspelt = {
        mailbox: { capacity: 5, overfow: "close" },
        outbox: { maxLagByte: 5 },
        limits: { groups: 5, group: 5 },
        session: { resumeMs: 5, maxByte: 5 },
        supervision: { maxFailure: 5 },
      };
      for (const [property, value] of Object.entries(misspelt)) {
        class Odd extends WebSocketConsumer {}
        Object.assign(Odd, { [property]: value });
        const route = () => runtime.route("/ws", Odd);
        expect(route).to.throw(
          InvalidOptionError,
          `Unknown option \`Odd.${property}.${Object.keys(value).at(-1)}\``,
        );
      }
    });

    // Regression: a runtime that was never created kept listening to errors of the process and of its layers.
    it("leave no listener behind if they are refused", () => {
      const layers = chat();
      const listeners = () =>
        ["uncaughtException", "unhandledRejection"].map((event) => process.listeners(event as never));
      const before = listeners();
      for (const wrong of [{ maxPayload: 0 }, { control: "no" }, { compression: "no" }] as object[]) {
        expect(() => createRuntime({ layers, ...wrong }), JSON.stringify(wrong)).to.throw();
      }
      expect(listeners()).to.deep.equal(before);
      expect(layers.chat.onError).to.equal(undefined);
    });
  });

  describe("#spawn", () => {
    const member = (runtime: ReturnType<typeof start>, group = "all") =>
      runtime.spawn(Member, { params: { group } });
    const start = () => createRuntime({ layers: { chat: new MemoryLayer<Notes>() } });

    it("runs a consumer without a socket, which reaches others through its layer", async () => {
      await using runtime = start();
      const [one, two] = [await member(runtime), await member(runtime)];
      one.receive("hello from code");
      expect(await two.outgoing.next()).to.deep.equal({ done: false, value: "hello from code" });
      await runtime.layers.chat.groupSend("all", { type: "note", text: "from a job" });
      expect(await one.outgoing.next()).to.deep.equal({ done: false, value: "from a job" });
    });

    it("exposes the machine, which works with XState's functions", async () => {
      await using runtime = start();
      const actor = await member(runtime);
      expect(actor.machine.getSnapshot().matches("joined")).to.equal(true);
      const closed = waitFor(actor.machine, (snapshot) => snapshot.matches("closed"));
      const states: unknown[] = [];
      actor.machine.subscribe(({ value }) => states.push(value));
      await actor.stop();
      expect((await closed).output).to.deep.equal({ code: 1000, reason: "", by: "client" });
      expect(states).to.deep.equal(["closing", "closed"]);
      expect(() => JSON.stringify(actor.machine.getSnapshot())).not.to.throw();
    });

    it("returns an actor that stops at once, and may be stopped twice", async () => {
      await using runtime = start();
      const actor = await member(runtime);
      const stopping = [actor.stop(), actor.stop()];
      actor.receive("too late");
      expect(await Promise.all(stopping)).to.deep.equal([
        { code: 1000, reason: "", by: "client" },
        { code: 1000, reason: "", by: "client" },
      ]);
      expect(runtime.size).to.equal(0);
      expect(runtime.counters().dropped.closing).to.equal(1);
      expect(await actor.outgoing.next()).to.deep.equal({ done: true, value: undefined });
    });

    it("rejects with the consumer's rejection or error", async () => {
      await using runtime = createRuntime({ onError: () => {} });
      class Full extends WebSocketConsumer {
        override connect() {
          this.reject(409, "Full");
        }
      }
      class Broken extends WebSocketConsumer {
        override connect() {
          throw new Error("broken");
        }
      }
      const rejection = (await runtime.spawn(Full).catch((error) => error)) as RejectedError;
      expect(rejection).to.include({ code: "ERR_REJECTED", status: 409, reason: "Full" });
      expect(await runtime.spawn(Broken).catch((error) => error)).to.have.property("message", "broken");
      await new Promise(setImmediate);
      expect(runtime.size).to.equal(0);
    });

    it("keeps the last 1,000 unread frames, and counts the dropped ones", async () => {
      await using runtime = createRuntime();
      const actor = await runtime.spawn(Echo);
      for (let n = 0; n < 1_003; n++) actor.receive(`${n}`);
      expect(await actor.outgoing.next()).to.deep.equal({ done: false, value: "3" });
      expect(runtime.counters().dropped.unread).to.equal(3);
    });

    it("passes the given scope to the consumer", async () => {
      await using runtime = createRuntime();
      class Scoped extends JsonWebSocketConsumer<{ params: "seat" }> {
        override connect() {
          const { path, params, query, user } = this.scope;
          this.accept();
          this.sendJson({ path, params, query: `${query}`, user });
        }
      }
      const scope = { path: "/ws/7", params: { seat: "7" }, query: new URLSearchParams("a=b"), user: "Ada" };
      const actor = await runtime.spawn(Scoped, scope);
      const { value } = await actor.outgoing.next();
      expect(JSON.parse(String(value))).to.deep.equal({ ...scope, query: "a=b" });
    });

    it("runs thousands of actors, and releases them all", async () => {
      await using runtime = start();
      const actors = await Promise.all(Array.from({ length: 2_000 }, () => member(runtime)));
      await runtime.layers.chat.groupSend("all", { type: "note", text: "to all" });
      expect((await actors[1_999]?.outgoing.next())?.value).to.equal("to all");
      await Promise.all(actors.map((actor) => actor.stop()));
      expect(runtime.size).to.equal(0);
    });

    it("leaves no timer of an actor that has joined or ended", async () => {
      const timers = new Set<unknown>();
      const clock: Clock = {
        setTimeout: (fn, ms) => {
          const timer = setTimeout(fn, ms);
          timers.add(timer);
          return timer;
        },
        clearTimeout: (timer) => {
          timers.delete(timer);
          clearTimeout(timer as NodeJS.Timeout);
        },
      };
      await using runtime = createRuntime({ clock, layers: { chat: new MemoryLayer<Notes>() } });
      const actor = await member(runtime);
      // The heartbeat of the node, which ends with the runtime.
      expect(timers.size).to.equal(1);
      await actor.stop();
      expect(timers.size).to.equal(1);
      await runtime.close();
      expect(timers.size).to.equal(0);
    });

    it("applies connectTimeoutMs by the given clock", async () => {
      const clock = new SimulatedClock();
      await using runtime = createRuntime({ clock: clock as Clock, connectTimeoutMs: 15_000 });
      class Never extends WebSocketConsumer {
        override connect() {
          return new Promise<void>(() => {});
        }
      }
      const rejection = runtime.spawn(Never).catch((error) => error);
      clock.increment(14_999);
      expect(runtime.size).to.equal(1);
      clock.increment(1);
      await new Promise(setImmediate);
      clock.increment(5_000);
      while (runtime.size > 0) await new Promise(setImmediate);
      expect(await rejection).to.include({ code: "ERR_REJECTED", status: 503 });
    });
  });

  describe("#ready", () => {
    it("resolves when every layer can carry messages", async () => {
      await using runtime = createRuntime({ layers: chat() });
      expect(runtime.layers.chat.health.ok).to.equal(false);
      await runtime.ready();
      expect(runtime.layers.chat.health.ok).to.equal(true);
    });
  });

  describe("#close", () => {
    it("closes connections with 1012 and the layers, and detaches from the open server", async () => {
      const { runtime, url, server } = await serve({ layers: chat() });
      runtime.route("/ws/:group", Member);
      const clients = await Promise.all([1, 2, 3].map((n) => Client.open(`${url}/ws/${n}`)));
      await Promise.all([runtime.close(), runtime.close()]);
      for (const client of clients) {
        expect(await client.closed).to.deep.equal({ code: 1012, reason: "The server is restarting" });
      }
      expect(runtime.size).to.equal(0);
      expect(
        await runtime.layers.chat.groupSend("x", { type: "note" } as never).catch((error) => error),
      ).to.have.property("code", "ERR_LAYER_CLOSED");
      expect([
        server.listenerCount("upgrade"),
        server.listenerCount("request"),
        server.listening,
      ]).to.deep.equal([0, 0, true]);
    });

    it("refuses upgrades with 503 while it waits for handlers, then cuts the connections", async () => {
      const clock = new SimulatedClock();
      const { runtime, url } = await serve({ layers: chat(), handlerGraceMs: 60_000, clock: clock as Clock });
      const begun = gate();
      class Endless extends WebSocketConsumer {
        override receive() {
          begun.open();
          return new Promise<void>(() => {});
        }
      }
      runtime.route("/ws/endless", Endless);
      const client = await Client.open(`${url}/ws/endless`);
      client.send("go");
      await begun.opened;
      const closing = runtime.close({ drainMs: 200 });
      expect(await Client.refused(`${url}/ws/endless`)).to.deep.equal({
        status: 503,
        body: "The server is shutting down",
      });
      clock.increment(200);
      expect(await client.closed).to.have.property("code", 1012);
      await closing;
    });

    it("refuses an upgrade with 503 that a guard admits after close began", async () => {
      const asked = gate();
      const guarding = gate();
      const guard = () => {
        asked.open();
        return guarding.opened;
      };
      const { runtime, url } = await serve({ layers: chat(), guards: [guard] });
      runtime.route("/ws", Echo);
      const refused = Client.refused(`${url}/ws`);
      await asked.opened;
      const closing = runtime.close();
      guarding.open();
      expect(await refused).to.deep.equal({ status: 503, body: "The server is shutting down" });
      await closing;
    });

    it("refuses an upgrade with 503 at once while its guard is pending", async () => {
      const asked = gate();
      const guard = () => {
        asked.open();
        return gate().opened;
      };
      const { runtime, url } = await serve({ layers: chat(), guards: [guard], connectTimeoutMs: 60_000 });
      runtime.route("/ws", Echo);
      const refused = Client.refused(`${url}/ws`);
      await asked.opened;
      await runtime.close();
      expect(await refused).to.deep.equal({ status: 503, body: "The server is shutting down" });
    });

    it("leaves plain requests unanswered once it is closed", async () => {
      const { runtime } = await serve({ layers: chat() });
      runtime.route("/ws", Echo);
      await runtime.close();
      expect(runtime.handleRequest({ url: "/ws" } as never, {} as never)).to.equal(false);
    });

    it("refuses a connection with 503 while its connect is pending", async () => {
      const { runtime, url } = await serve({ layers: chat(), handlerGraceMs: 10 });
      const begun = gate();
      class Undecided extends WebSocketConsumer {
        override connect() {
          begun.open();
          return new Promise<void>(() => {});
        }
      }
      runtime.route("/ws", Undecided);
      const refused = Client.refused(`${url}/ws`);
      await begun.opened;
      await runtime.close();
      expect(await refused).to.deep.equal({ status: 503, body: "The server is restarting" });
    });

    it("makes later spawns reject", async () => {
      const runtime = createRuntime();
      await runtime.close();
      expect(await runtime.spawn(Echo).catch((error) => error)).to.have.property(
        "code",
        "ERR_RUNTIME_CLOSED",
      );
    });

    it("stops waiting after 5 seconds for a layer whose handler does not end, and reports it", async () => {
      const clock = new SimulatedClock();
      const errors: unknown[] = [];
      const runtime = createRuntime({
        layers: chat(),
        clock: clock as Clock,
        onError: (error, { stage }) => errors.push([(error as { code?: string }).code, stage]),
      });
      const begun = gate();
      const end = gate();
      await runtime.layers.chat.consume("jobs", () => {
        begun.open();
        return end.opened;
      });
      await runtime.layers.chat.send("jobs", { type: "job" } as never);
      await begun.opened;
      let isClosed = false;
      const closing = runtime.close().then(() => {
        isClosed = true;
      });
      while (!isClosed) {
        clock.increment(5_000);
        await new Promise(setImmediate);
      }
      await closing;
      expect(errors).to.deep.equal([["ERR_HANDLER_TIMEOUT", "close"]]);
      // Until its handler has ended, the layer listens for uncaught errors.
      end.open();
      await runtime.layers.chat.close();
    });

    it("spreads the closing of many connections over half of drainMs", async () => {
      const clock = new SimulatedClock();
      const runtime = createRuntime({ clock: clock as Clock });
      const actors = await Promise.all(Array.from({ length: 120 }, () => runtime.spawn(Echo)));
      const gone = () => actors.filter(({ machine }) => !machine.getSnapshot().matches("joined")).length;
      const closing = runtime.close({ drainMs: 40_000 });
      const goneAfter = [];
      for (const ms of [0, 999, 1, 1_000]) {
        clock.increment(ms);
        await new Promise(setImmediate);
        goneAfter.push(gone());
      }
      expect(goneAfter).to.deep.equal([50, 50, 100, 120]);
      await closing;
    });
  });

  it("releases thousands of clients that vanish", async function () {
    this.timeout(60_000);
    const { runtime, url, server } = await serve({ layers: chat() });
    runtime.route("/ws/:group", Member);
    for (let round = 0; round < 10; round++) {
      const clients = await Promise.all(Array.from({ length: 200 }, () => Client.open(`${url}/ws/all`)));
      for (const client of clients) client.websocket.terminate();
      while (runtime.size > 0) await new Promise(setImmediate);
    }
    const connections = () => new Promise((resolve) => server.getConnections((_, count) => resolve(count)));
    expect(await connections()).to.equal(0);
  });

  it("cannot be attached once it is closing or closed", async () => {
    const runtime = createRuntime();
    const server = createServer();
    const closing = runtime.close();
    expect(() => runtime.attach(server)).to.throw(RuntimeClosedError);
    await closing;
    expect(() => runtime.attach(server)).to.throw(RuntimeClosedError);
    expect([server.listenerCount("upgrade"), server.listenerCount("request")]).to.deep.equal([0, 0]);
  });

  it("serves sockets on a server with other listeners", async () => {
    await using runtime = createRuntime();
    runtime.route("/ws", Echo);
    const server = createServer((_, response) => response.end("page"));
    runtime.attach(server);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
    expect(await (await fetch(url)).text()).to.equal("page");
    const client = await Client.open(`${url}/ws`);
    client.send("hi");
    expect(await client.next()).to.equal("hi");
    server.close();
    server.closeAllConnections();
    client.websocket.terminate();
  });
});
