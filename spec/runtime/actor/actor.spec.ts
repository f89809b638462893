import { once } from "node:events";
import { expect } from "chai";
import {
  type AcceptOptions,
  type ConsumerClass,
  type Exit,
  handlers,
  InvalidOptionError,
  JsonWebSocketConsumer,
  WebSocketConsumer,
} from "greenroom";
import { Client } from "../../support/client.ts";
import { type Gate, gate } from "../../support/gate.ts";
import { chat, serve, stopServing } from "../../support/serving.ts";

interface Notes {
  note: { text: string };
}

describe("ConsumerActor", () => {
  afterEach(stopServing);

  const serveAt = async (Consumer: ConsumerClass & { readonly layer: "chat" | undefined }, limits = {}) => {
    const serving = await serve({ layers: chat(), ...limits });
    serving.runtime.route("/ws", Consumer as ConsumerClass & { readonly layer: "chat" });
    return { ...serving, url: `${serving.url}/ws`, chat: serving.runtime.layers.chat };
  };

  const connecting = (connect: (consumer: WebSocketConsumer) => void | Promise<void>) =>
    class Connecting extends WebSocketConsumer {
      static override readonly layer: "chat" | undefined = undefined;
      override connect() {
        return connect(this);
      }
    };

  describe("accepting", () => {
    it("is automatic when connect returns without an answer", async () => {
      const { url } = await serveAt(connecting(() => {}));
      const client = await Client.open(url);
      expect(client.websocket.readyState).to.equal(client.websocket.OPEN);
    });

    it("sends the given subprotocol and headers", async () => {
      const options: AcceptOptions = { subprotocol: "v2", headers: { "Set-Cookie": "seat=7" } };
      const { url } = await serveAt(connecting((consumer) => consumer.accept(options)));
      const client = new Client(url, ["v1", "v2"]);
      const [[response]] = await Promise.all([
        once(client.websocket, "upgrade"),
        once(client.websocket, "open"),
      ]);
      expect(client.websocket.protocol).to.equal("v2");
      expect(response.headers["set-cookie"]).to.deep.equal(["seat=7"]);
    });

    it("chooses no subprotocol by default, and reports once for each class that browsers need one", async () => {
      const Consumers = [connecting(() => {}), connecting((consumer) => consumer.accept())];
      for (const Consumer of Consumers) {
        const { url, failures } = await serveAt(Consumer);
        await (await Client.open(url)).close();
        expect(failures).to.deep.equal([]);
        for (let time = 0; time < 2; time += 1) {
          const client = new Client(url, ["v1"]);
          const [response] = await once(client.websocket, "upgrade");
          expect(response.headers).not.to.have.property("sec-websocket-protocol");
          await client.closed;
        }
        expect(failures.map(({ stage }) => stage)).to.deep.equal(["connect"]);
        expect(failures[0]?.error)
          .to.have.property("message")
          .that.matches(/^Connecting accepted a client that offers subprotocols, but chose none/);
      }
    });

    it("fails with 500 for a subprotocol not offered, a malformed header, or a second accept", async () => {
      const wrong: [AcceptOptions, RegExp][] = [
        [{ subprotocol: "v3" }, /did not offer the subprotocol "v3".*It offered none/],
        [{ headers: { "X-A": "1\r\nX-B: 2" } }, /HTTP cannot carry the value of the header "X-A"/],
        [
          { headers: { "sec-websocket-Accept": "mine" } },
          /server itself sets the header "sec-websocket-Accept"/,
        ],
      ];
      for (const [options, message] of wrong) {
        const { url, failures } = await serveAt(connecting((consumer) => consumer.accept(options)));
        expect(await Client.refused(url)).to.deep.equal({ status: 500, body: "Internal error" });
        expect(failures[0]?.error).to.have.property("message").that.matches(message);
      }
      const { url, failures } = await serveAt(
        connecting(async (consumer) => {
          await consumer.accept();
          await consumer.accept();
        }),
      );
      const client = await Client.open(url);
      expect(await client.closed).to.have.property("code", 1011);
      expect(failures[0]?.error).to.have.property("code", "ERR_ACCEPT");
    });
  });

  describe("rejecting", () => {
    it("answers the upgrade with a status and a reason, without an error or disconnect", async () => {
      let disconnected = false;
      class Full extends WebSocketConsumer {
        override connect() {
          this.reject(409, "The room is full");
        }
        override disconnect() {
          disconnected = true;
        }
      }
      const { url, runtime, failures } = await serveAt(Full as never);
      expect(await Client.refused(url)).to.deep.equal({ status: 409, body: "The room is full" });
      await runtime.close();
      expect([failures, disconnected, runtime.size]).to.deep.equal([[], false, 0]);
    });

    it("throws after accept, and for a status outside 400 to 599", async () => {
      const late = await serveAt(
        connecting(async (consumer) => {
          await consumer.accept();
          consumer.reject(403, "Too late");
        }),
      );
      expect(await (await Client.open(late.url)).closed).to.have.property("code", 1011);
      const fine = await serveAt(connecting((consumer) => consumer.reject(200, "Fine")));
      expect(await Client.refused(fine.url)).to.include({ status: 500 });
      expect(late.failures[0]?.error).to.have.property("code", "ERR_ACCEPT");
      expect(fine.failures[0]?.error).to.be.instanceOf(InvalidOptionError);
    });
  });

  describe("after the client has gone", () => {
    it("throws at accept, so that connect sends no message about it", async () => {
      const working = gate();
      const begun = gate();
      class Arriving extends WebSocketConsumer<{ messages: Notes }> {
        static override readonly layer = "chat";
        static override readonly on = handlers<Arriving>({ note() {} });
        override async connect() {
          begun.open();
          await working.opened;
          await this.accept();
          await this.groupSend("notes", { type: "note", text: "joined" });
        }
      }
      const { url, server, runtime, failures, chat } = await serveAt(Arriving);
      await runtime.ready();
      const { published } = chat.counters();
      const connected = once(server, "connection");
      const client = new Client(url);
      const [[socket]] = await Promise.all([connected, begun.opened]);
      client.websocket.terminate();
      await once(socket, "close");
      working.open();
      while (runtime.size > 0) await new Promise(setImmediate);
      expect([chat.counters().published, failures]).to.deep.equal([published, []]);
    });

    it("joins no group from a handler that still runs", async () => {
      const working = gate();
      const begun = gate();
      const joined = gate();
      const notes: string[] = [];
      class Late extends WebSocketConsumer<{ messages: Notes }> {
        static override readonly layer = "chat";
        static override readonly on = handlers<Late>({ note: ({ text }) => void notes.push(text) });
        override async receive() {
          begun.open();
          await working.opened;
          await this.groupAdd("notes");
          joined.open();
          await gate().opened;
        }
      }
      const { url, runtime, chat } = await serveAt(Late, { handlerGraceMs: 60_000 });
      const client = await Client.open(url);
      client.send("go");
      await begun.opened;
      await client.close();
      working.open();
      await joined.opened;
      await chat.groupSend("notes", { type: "note", text: "to an empty group" } as never);
      await new Promise(setImmediate);
      expect([[...chat.local.membersOf("notes")], notes]).to.deep.equal([[], []]);
      await runtime.close({ drainMs: 1 });
    });
  });

  describe("handling", () => {
    it("queues frames until connect has settled, also after accept", async () => {
      const settled = gate();
      const order: string[] = [];
      class Late extends WebSocketConsumer {
        override async connect() {
          await this.accept();
          await settled.opened;
          order.push("connected");
        }
        override receive(text: string) {
          order.push(text);
          this.send(text);
        }
      }
      const { url } = await serveAt(Late as never);
      const client = await Client.open(url);
      client.send("first");
      client.websocket.ping();
      await once(client.websocket, "pong");
      settled.open();
      expect(await client.next()).to.equal("first");
      expect(order).to.deep.equal(["connected", "first"]);
    });

    it("handles one frame or message at a time", async () => {
      let running = 0;
      let most = 0;
      const work = async (consumer: WebSocketConsumer, text: string) => {
        most = Math.max(most, ++running);
        await new Promise(setImmediate);
        running--;
        consumer.send(text);
      };
      class Careful extends WebSocketConsumer<{ messages: Notes }> {
        static override readonly layer = "chat";
        static override readonly on = handlers<Careful>({
          note({ text }) {
            return work(this, text);
          },
        });
        override async connect() {
          await this.groupAdd("notes");
        }
        override receive(text: string) {
          return work(this, text);
        }
      }
      const { url, chat } = await serveAt(Careful);
      const client = await Client.open(url);
      for (let n = 0; n < 20; n++) {
        client.send(`frame ${n}`);
        await chat.groupSend("notes", { type: "note", text: `note ${n}` });
      }
      const received = await client.take(40);
      const ofKind = (kind: string) => received.filter((text) => String(text).startsWith(kind));
      expect(ofKind("frame")).to.deep.equal(Array.from({ length: 20 }, (_, n) => `frame ${n}`));
      expect(ofKind("note")).to.deep.equal(Array.from({ length: 20 }, (_, n) => `note ${n}`));
      expect(most).to.equal(1);
    });

    it("passes binary frames as bytes, or closes with 1003 if they are not handled", async () => {
      class Bytes extends WebSocketConsumer {
        override receiveBinary(bytes: Uint8Array) {
          this.send(bytes);
        }
      }
      const taking = await serveAt(Bytes as never);
      const client = await Client.open(taking.url);
      client.send(new Uint8Array([0, 255]));
      expect(await client.next()).to.deep.equal(Buffer.from([0, 255]));
      const refusing = await serveAt(connecting(() => {}));
      const other = await Client.open(refusing.url);
      other.send(new Uint8Array([1]));
      expect(await other.closed).to.have.property("code", 1003);
    });

    it("drops and counts unhandled frames and messages", async () => {
      class Deaf extends WebSocketConsumer<{ messages: Notes }> {
        static override readonly layer = "chat";
        static override readonly on = handlers<Deaf>({
          note({ text }) {
            this.send(text);
          },
        });
        override async connect() {
          await this.groupAdd("notes");
        }
      }
      const { url, runtime, chat } = await serveAt(Deaf);
      const client = await Client.open(url);
      client.send("unhandled");
      const strange = [
        "unknown",
        "__proto__",
        "constructor",
        "connect",
        "disconnect",
        "send",
        "toString",
        "hasOwnProperty",
      ];
      for (const type of strange) await chat.groupSend("notes", { type } as never);
      await chat.groupSend("notes", { type: "note", text: "the end" });
      expect(await client.next()).to.equal("the end");
      client.websocket.ping();
      await once(client.websocket, "pong");
      expect(runtime.counters().dropped.unhandled).to.equal(strange.length + 1);
    });

    it("maps a dot in a message type to an underscore", async () => {
      class Dotted extends WebSocketConsumer<{ messages: { room_note: { text: string } } }> {
        static override readonly layer = "chat";
        static override readonly on = handlers<Dotted>({
          room_note({ text }) {
            this.send(text);
          },
        });
        override async connect() {
          await this.groupAdd("notes");
        }
      }
      const { url, chat } = await serveAt(Dotted);
      const client = await Client.open(url);
      await chat.groupSend("notes", { type: "room.note", text: "from Django" } as never);
      expect(await client.next()).to.equal("from Django");
    });

    it("refuses to send a type that XState reserves", async () => {
      const { chat } = await serveAt(connecting(() => {}));
      const error = await chat.groupSend("notes", { type: "xstate.stop" } as never).catch((reason) => reason);
      expect(error).to.have.property("code", "ERR_INVALID_MESSAGE");
    });
  });

  describe("JSON", () => {
    class Json extends JsonWebSocketConsumer {
      override receive(value: unknown) {
        this.sendJson({ got: value });
      }
    }

    it("is decoded on receipt and encoded on sending", async () => {
      const { url } = await serveAt(Json as never);
      const client = await Client.open(url);
      for (const value of [null, 1, "text", [1], { toString: "x", __proto__: null }]) {
        client.send(JSON.stringify(value));
        expect(JSON.parse(String(await client.next()))).to.deep.equal({
          got: JSON.parse(JSON.stringify(value)),
        });
      }
    });

    it("that is malformed is answered with an error, and the connection stays open", async () => {
      const { url } = await serveAt(Json as never);
      const client = await Client.open(url);
      client.send("{bad");
      expect(JSON.parse(String(await client.next())).error).to.match(/^This endpoint takes JSON: /);
      client.send("1");
      expect(await client.next()).to.equal('{"got":1}');
    });

    it("that cannot hold the sent value is an error of the consumer", async () => {
      class Undefined extends JsonWebSocketConsumer {
        override connect() {
          this.accept();
          this.sendJson(undefined as unknown);
        }
      }
      const { url, failures } = await serveAt(Undefined as never);
      expect(await (await Client.open(url)).closed).to.have.property("code", 1011);
      expect(failures[0]?.error).to.be.instanceOf(TypeError);
    });
  });

  describe("failing", () => {
    const boom = () => {
      throw new Error("boom");
    };
    class Fragile extends WebSocketConsumer<{ messages: Notes }> {
      static override readonly layer = "chat";
      static override readonly on = handlers<Fragile>({ note: boom });
      override async connect() {
        await this.accept();
        if (this.scope.query.get("at") === "connect") boom();
        await this.groupAdd("notes");
      }
      override receive(text: string) {
        if (text === "throw") boom();
        if (text === "reject") return Promise.reject(new Error("boom"));
        this.send(text);
        return undefined;
      }
      override disconnect() {
        if (this.scope.query.get("at") === "disconnect") boom();
      }
    }

    it("closes that connection only, with 1011, and reports the stage to onError", async () => {
      const { url, runtime, failures, chat } = await serveAt(Fragile);
      const ways: [string, (client: Client) => unknown][] = [
        ["connect", () => {}],
        ["receive", (client) => client.send("throw")],
        ["receive", (client) => client.send("reject")],
        ["message note", () => chat.groupSend("notes", { type: "note", text: "" } as never)],
      ];
      for (const [stage, fail] of ways) {
        const victim = await Client.open(`${url}?at=${stage}`);
        victim.send("ready?");
        if (stage !== "connect") await victim.next();
        fail(victim);
        expect(await victim.closed, stage).to.deep.equal({ code: 1011, reason: "Internal error" });
        expect(failures.pop(), stage).to.deep.include({ stage });
        const bystander = await Client.open(url);
        bystander.send("still here");
        expect(await bystander.next()).to.equal("still here");
        await bystander.close();
      }
      await runtime.close();
      expect([failures, runtime.size]).to.deep.equal([[], 0]);
    });

    it("answers 500 before accept, also when the constructor throws", async () => {
      class Unborn extends WebSocketConsumer {
        readonly #never = boom();
        override receive() {
          return this.#never;
        }
      }
      for (const Consumer of [Unborn, connecting(boom)]) {
        const { url, failures } = await serveAt(Consumer as never);
        expect(await Client.refused(url)).to.deep.equal({ status: 500, body: "Internal error" });
        expect(failures).to.have.lengthOf(1);
      }
    });

    it("with the rejection of a spawned actor closes the connection like any other failure", async () => {
      class Full extends WebSocketConsumer {
        override connect() {
          this.reject(409, "Full");
        }
      }
      class Parent extends WebSocketConsumer {
        override async receive() {
          await runtime.spawn(Full);
        }
      }
      const { url, failures, runtime } = await serveAt(Parent as never);
      const client = await Client.open(url);
      client.send("spawn");
      expect(await client.closed).to.have.property("code", 1011);
      expect(failures.map(({ stage }) => stage)).to.deep.equal(["receive"]);
    });

    it("to write a detached buffer closes that connection only, and others keep their frames", async () => {
      class Careless extends WebSocketConsumer {
        override receive(text: string) {
          const bytes = new Uint8Array(8);
          this.send(text === "careless" ? bytes : text);
          structuredClone(bytes, { transfer: [bytes.buffer] });
        }
      }
      const { url, failures } = await serveAt(Careless as never);
      const [careless, bystander] = [await Client.open(url), await Client.open(url)];
      for (let n = 0; n < 3; n++) bystander.send("before");
      careless.send("careless");
      for (let n = 0; n < 3; n++) bystander.send("after");
      expect(await careless.closed).to.have.property("code", 1011);
      expect(await bystander.take(6)).to.deep.equal([
        "before",
        "before",
        "before",
        "after",
        "after",
        "after",
      ]);
      expect(failures.map(({ stage }) => stage)).to.deep.equal(["send"]);
    });

    it("in disconnect is reported to onError and still ends the connection", async () => {
      const { url, runtime, failures } = await serveAt(Fragile);
      const client = await Client.open(`${url}?at=disconnect`);
      await client.close();
      await runtime.close();
      expect(failures.map(({ stage }) => stage)).to.deep.equal(["disconnect"]);
      expect(runtime.size).to.equal(0);
    });

    it("in onError causes a warning and still closes the connection", async () => {
      const warned = once(process, "warning");
      const { runtime, url } = await serve({ layers: chat(), onError: boom });
      runtime.route("/ws", Fragile);
      const client = await Client.open(`${url}/ws`);
      client.send("throw");
      expect(await client.closed).to.have.property("code", 1011);
      expect(String((await warned)[0])).to.contain("boom");
    });
  });

  describe("limits", () => {
    class Echo extends WebSocketConsumer {
      override receive(text: string) {
        this.send(String(text.length));
      }
    }

    it("allow a frame of 64 KiB, and close with 1009 above that", async () => {
      const { url } = await serveAt(Echo as never);
      const client = await Client.open(url);
      client.send("x".repeat(65_536));
      expect(await client.next()).to.equal("65536");
      client.send("x".repeat(65_537));
      expect(await client.closed).to.have.property("code", 1009);
    });

    it("pause a client whose frames pile up, without losing a frame", async () => {
      const working: Gate = gate();
      let handled = 0;
      class Busy extends WebSocketConsumer {
        override async receive() {
          await working.opened;
          handled++;
          if (handled === 1_000) this.send("all");
        }
      }
      const { url } = await serveAt(Busy as never);
      const client = await Client.open(url);
      for (let n = 0; n < 1_000; n++) client.send(`${n}`.padEnd(1_000));
      working.open();
      expect(await client.next()).to.equal("all");
    });

    it("allow a client to send faster than its messages come back", async () => {
      class Shouting extends WebSocketConsumer<{ messages: Notes }> {
        static override readonly layer = "chat";
        static override readonly on = handlers<Shouting>({
          note({ text }) {
            this.send(text);
          },
        });
        override async connect() {
          await this.groupAdd("notes");
        }
        override async receive(text: string) {
          await this.groupSend("notes", { type: "note", text });
          await new Promise(setImmediate);
        }
      }
      const { url } = await serveAt(Shouting, { mailboxCapacity: 10 });
      const client = await Client.open(url);
      const texts = Array.from({ length: 500 }, (_, n) => `${n}`);
      for (const text of texts) client.send(text);
      expect(await client.take(500)).to.deep.equal(texts);
    });

    it("close an actor with 1013 when its mailbox is full", async () => {
      const working = gate();
      const begun = gate();
      class Stuck extends WebSocketConsumer<{ messages: Notes }> {
        static override readonly layer = "chat";
        static override readonly on = handlers<Stuck>({
          note() {
            begun.open();
            return working.opened;
          },
        });
        override async connect() {
          await this.groupAdd("notes");
        }
      }
      const { url, runtime, chat } = await serveAt(Stuck, { mailboxCapacity: 2 });
      const client = await Client.open(url);
      for (let n = 0; n < 4; n++) await chat.groupSend("notes", { type: "note", text: "" } as never);
      expect(await client.closed).to.deep.equal({ code: 1013, reason: "Too many messages wait" });
      await begun.opened;
      working.open();
      await runtime.close();
      expect(runtime.counters().dropped).to.include({ overflow: 1, closing: 2 });
    });

    it("close a client that does not read with 3008, and buffer little for it", async () => {
      class Flood extends WebSocketConsumer {
        override async connect() {
          await this.accept();
          const megabyte = new Uint8Array(1_048_576);
          for (let n = 0; n < 40 && !this.signal.aborted; n++) {
            this.send(megabyte);
            await new Promise(setImmediate);
          }
        }
      }
      const { url, runtime } = await serveAt(Flood as never, { closeTimeoutMs: 50 });
      const client = await Client.open(url);
      client.websocket.pause();
      while (runtime.size > 0) await new Promise(setImmediate);
      // The frames of at most three turns are held, with up to two frames in each turn.
      expect(runtime.counters().dropped.slow).to.be.within(1, 6);
      client.websocket.terminate();
    });
  });

  describe("closing", () => {
    it("writes the earlier frames, then closes with the given code and reason", async () => {
      const { url } = await serveAt(
        connecting(async (consumer) => {
          await consumer.accept();
          consumer.send("one");
          consumer.send("two");
          consumer.close(4000, "enough");
          consumer.send("too late");
        }),
      );
      const client = await Client.open(url);
      expect(await client.take(2)).to.deep.equal(["one", "two"]);
      expect(await client.closed).to.deep.equal({ code: 4000, reason: "enough" });
    });

    it("throws for an invalid code or reason, and before accept", async () => {
      const wrong: [code: unknown, reason: unknown, message: RegExp][] = [
        [1005, "", /cannot be closed with code 1005: use 1000/],
        [999, "", /code 999/],
        [5000, "", /code 5000/],
        ["1000", "", /code '1000'/],
        [1000, { toString: "x" }, /must be a string, not object/],
        [1000, null, /must be a string, not null/],
        [1000, "ä".repeat(62), /has 124 bytes; the limit is 123/],
      ];
      for (const [code, reason, message] of wrong) {
        const { url, failures } = await serveAt(
          connecting(async (consumer) => {
            await consumer.accept();
            consumer.close(code as number, reason as string);
          }),
        );
        expect(await (await Client.open(url)).closed, String(message)).to.have.property("code", 1011);
        expect(failures[0]?.error)
          .to.include({ code: "ERR_CLOSE" })
          .and.have.property("message")
          .that.matches(message);
      }
      const early = await serveAt(connecting((consumer) => consumer.close()));
      expect(await Client.refused(early.url)).to.include({ status: 500 });
      expect(early.failures[0]?.error)
        .to.have.property("message")
        .that.contains("use reject(status, reason)");
    });

    it("aborts the signal, waits for the handler, leaves groups, then calls disconnect once", async () => {
      const order: string[] = [];
      const working = gate();
      const begun = gate();
      class Leaver extends WebSocketConsumer<{ messages: Notes }> {
        static override readonly layer = "chat";
        static override readonly on = handlers<Leaver>({
          note({ text }) {
            order.push(`note ${text}`);
          },
        });
        override async connect() {
          await this.groupAdd("notes");
          this.signal.addEventListener("abort", () => order.push("aborted"));
        }
        override async receive() {
          begun.open();
          await working.opened;
          order.push("handled");
        }
        override async disconnect(code: number) {
          order.push(`disconnect ${code}`);
          await this.groupAdd("notes");
          await this.groupSend("notes", { type: "note", text: "after leaving" });
          this.send("client gone");
        }
      }
      const { url, runtime, chat } = await serveAt(Leaver);
      const client = await Client.open(url);
      client.send("work");
      await begun.opened;
      client.websocket.close(4001);
      client.websocket.once("close", () => working.open());
      await client.closed;
      while (runtime.size > 0) await new Promise(setImmediate);
      await chat.groupSend("notes", { type: "note", text: "the end" } as never);
      await new Promise(setImmediate);
      expect(order).to.deep.equal(["aborted", "handled", "disconnect 4001"]);
    });

    it("stops waiting for a handler or disconnect after handlerGraceMs, and reports it", async () => {
      class Hangs extends WebSocketConsumer {
        override receive() {
          this.send("begun");
          return new Promise<void>(() => {});
        }
        override disconnect() {
          return new Promise<void>(() => {});
        }
      }
      const { url, runtime, failures } = await serveAt(Hangs as never, { handlerGraceMs: 10 });
      const client = await Client.open(url);
      client.send("hang");
      await client.next();
      client.websocket.terminate();
      while (runtime.size > 0) await new Promise((resolve) => setImmediate(resolve));
      expect(failures.map(({ error, stage }) => [(error as { code?: string }).code, stage])).to.deep.equal([
        ["ERR_HANDLER_TIMEOUT", "handler"],
        ["ERR_HANDLER_TIMEOUT", "disconnect"],
      ]);
    });

    it("passes 1006 for a client that vanished, and 1005 for a close without a code", async () => {
      const codes: number[] = [];
      const gone = [gate(), gate()];
      class Codes extends WebSocketConsumer {
        override disconnect(code: number) {
          gone[codes.push(code) - 1]?.open();
        }
      }
      const { url } = await serveAt(Codes as never);
      (await Client.open(url)).websocket.terminate();
      await gone[0]?.opened;
      await (await Client.open(url)).close();
      await gone[1]?.opened;
      expect(codes).to.deep.equal([1006, 1005]);
    });

    it("passes the exit: the code, the reason, and the party that ended the connection", async () => {
      const exits: [number, Exit][] = [];
      class Exits extends WebSocketConsumer {
        override receive(text: string) {
          if (text === "close") this.close(4000, "enough");
          else throw new Error("on purpose");
        }
        override disconnect(code: number, exit: Exit) {
          exits.push([code, exit]);
        }
      }
      const { url, runtime } = await serveAt(Exits as never);
      for (const text of ["close", "fail"]) {
        const client = await Client.open(url);
        client.send(text);
        await client.closed;
      }
      await (await Client.open(url)).close(4001, "goodbye");
      while (runtime.size > 0) await new Promise(setImmediate);
      await Client.open(url);
      await runtime.close();
      expect(exits).to.deep.equal([
        [4000, { code: 4000, reason: "enough", by: "consumer" }],
        [1011, { code: 1011, reason: "Internal error", by: "runtime" }],
        [4001, { code: 4001, reason: "goodbye", by: "client" }],
        [1012, { code: 1012, reason: "The server is restarting", by: "runtime" }],
      ]);
    });

    it("disconnects a client that never answers the close frame", async () => {
      const { url, runtime } = await serveAt(
        connecting(() => {}),
        { closeTimeoutMs: 10 },
      );
      const client = await Client.open(url);
      client.websocket.pause();
      await runtime.close();
      expect(runtime.size).to.equal(0);
      client.websocket.terminate();
    });
  });

  it("throws for groups without a layer, and names the missing property", async () => {
    class Homeless extends WebSocketConsumer {
      override connect() {
        return this.groupAdd("notes");
      }
    }
    const { url, failures } = await serveAt(Homeless as never);
    expect(await Client.refused(url)).to.include({ status: 500 });
    expect(failures.pop()?.error).to.have.property("message").that.contains("Homeless has no layer");
  });
});
