import { expect } from "chai";
import {
  createRuntime,
  type Exit,
  type Guard,
  groupName,
  handlers,
  JsonWebSocketConsumer,
  MemoryBus,
  MemoryLayer,
  machineConsumer,
  WebSocketConsumer,
} from "greenroom";
import { RedisPubSubLayer } from "greenroom/redis";
import { communicate, communicateWith, ExpectationError, settle } from "greenroom/testing";
import { createMachine, SimulatedClock, waitFor } from "xstate";
import { run } from "../../support/child-process.ts";
import { gate } from "../../support/gate.ts";
import { startRedisServer } from "../../support/redis-server.ts";
import { unlessByMachine } from "../../support/serving.ts";

interface Chat {
  params: "room_name";
  messages: { room_message: { message: string } };
}

class RoomChat extends JsonWebSocketConsumer<Chat> {
  static override readonly layer = "chat";
  static override readonly on = handlers<RoomChat>({
    room_message({ message }) {
      this.sendJson({ message });
    },
  });
  override async connect() {
    await this.accept();
    await this.groupAdd(this.scope.params.room_name);
  }
  override async receive(value: unknown) {
    const { message } = value as { message: string };
    await this.groupSend(this.scope.params.room_name, { type: "room_message", message });
  }
}

class Echo extends WebSocketConsumer {
  override receive(text: string) {
    this.send(text);
  }
}

/** The message of the error. */
async function failure(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).to.be.instanceOf(ExpectationError);
  expect(error).to.include({ code: "ERR_EXPECTATION" });
  return (error as Error).message;
}

describe("communicate", () => {
  it("runs a consumer in a runtime of its own, with a memory layer", async () => {
    const client = communicate(RoomChat, { params: { room_name: "lobby" } });
    expect(await client.connect()).to.deep.equal({ accepted: true, subprotocol: undefined, headers: {} });
    client.sendJson({ message: "hello" });
    expect(await client.receiveJson()).to.deep.equal({ message: "hello" });
    expect(client.channel).to.match(/!/);
    expect(client.machine.getSnapshot().matches("joined")).to.equal(true);
    await client.disconnect();
    expect(await client.closed).to.deep.equal({ code: 1000, reason: "" });
    expect(client.machine.getSnapshot().output).to.deep.equal({ code: 1000, reason: "", by: "client" });
  });

  it("connects several clients through a given runtime, and leaves it open", async () => {
    const runtime = createRuntime({ layers: { chat: new MemoryLayer() } });
    const [one, other] = ["one", "other"].map(() =>
      communicate(RoomChat, { runtime, params: { room_name: "lobby" } }),
    ) as [ReturnType<typeof communicate>, ReturnType<typeof communicate>];
    await Promise.all([one.connect(), other.connect()]);
    one.sendJson({ message: "hello" });
    expect(await other.receiveJson()).to.deep.equal(await one.receiveJson());
    await other.disconnect();
    one.sendJson({ message: "still there" });
    expect(await one.receiveJson()).to.deep.equal({ message: "still there" });
    await one.disconnect();
    expect(runtime.size).to.equal(0);
    await runtime.close();
    expect(await communicate(Echo, { runtime }).connect()).to.deep.equal({
      accepted: false,
      status: 503,
      reason: "The server is shutting down",
    });
  });

  it("passes the scope to the consumer, and the answer to the client", async () => {
    class Scoped extends JsonWebSocketConsumer {
      override async connect() {
        await this.accept({ subprotocol: "b", headers: { "set-cookie": "a=b" } });
        const { path, params, query, headers, subprotocols, user } = this.scope;
        this.sendJson({ path, params, page: query.get("page"), cookie: headers.cookie, subprotocols, user });
      }
    }
    await using client = communicate(Scoped, {
      path: "/ws/1",
      params: { id: "1" },
      query: new URLSearchParams("page=2"),
      headers: { Cookie: "session=1" },
      subprotocols: ["a", "b"],
      user: "ada",
    });
    expect(await client.connect()).to.deep.equal({
      accepted: true,
      subprotocol: "b",
      headers: { "set-cookie": "a=b" },
    });
    expect(await client.receiveJson()).to.deep.equal({
      path: "/ws/1",
      params: { id: "1" },
      page: "2",
      cookie: "session=1",
      subprotocols: ["a", "b"],
      user: "ada",
    });
  });

  it("reports a refusal by the consumer, a failure, the deadline, or an invalid accept", async () => {
    const clock = new SimulatedClock();
    const quiet = { onError: () => {}, clock };
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
    class Slow extends WebSocketConsumer {
      override connect() {
        return new Promise<void>(() => {});
      }
    }
    class Wrong extends WebSocketConsumer {
      override async connect() {
        await this.accept({ subprotocol: "not-offered" });
      }
    }
    const refused = async (client: ReturnType<typeof communicate>) => {
      const answer = client.connect();
      await new Promise((resolve) => setImmediate(resolve));
      clock.increment(15_000);
      expect(await client.closed).to.deep.equal({ code: 1006, reason: "" });
      const outcome = await answer;
      clock.increment(15_000);
      await client.disconnect();
      return outcome;
    };
    const no = (status: number, reason: string) => ({ accepted: false, status, reason });
    expect(await refused(communicate(Full, { options: quiet }))).to.deep.equal(no(409, "Full"));
    expect(await refused(communicate(Broken, { options: quiet }))).to.deep.equal(no(500, "Internal error"));
    expect(await refused(communicate(Wrong, { options: quiet }))).to.deep.equal(no(500, "Internal error"));
    const late = communicate(Slow, { options: { ...quiet, handlerGraceMs: 1 } });
    expect(await refused(late)).to.deep.equal(no(503, "Connecting took too long"));
  });

  it("ends a connection without a subprotocol as browsers do, if the client has offered one", async () => {
    const exits: Exit[] = [];
    class Plain extends WebSocketConsumer {
      override disconnect(_: number, exit: Exit) {
        exits.push(exit);
      }
    }
    const Machine = machineConsumer(createMachine({ id: "Machine" }));
    for (const Consumer of [Plain, Machine] as const) {
      const errors: string[] = [];
      const options = { onError: unlessByMachine((error: Error) => errors.push(error.message)) };
      const client = communicate(Consumer, { subprotocols: ["v1", "v2"], options: options as never });
      expect(await failure(client.connect())).to.equal(
        "The client offered the subprotocols v1, v2, but the consumer accepted without one. " +
          "Browsers end such a connection with 1006: pass one of these to accept({ subprotocol }).",
      );
      expect(await client.closed).to.deep.equal({ code: 1006, reason: "" });
      await client.disconnect();
      expect(errors).to.have.length(1);
      expect(errors[0]).to.match(new RegExp(`^${Consumer.name} accepted a client that offers subprotocols`));
    }
    expect(exits).to.deep.equal([{ code: 1006, reason: "", by: "client" }]);
  });

  it("calls guards, and passes their user to the consumer", async () => {
    class Whoami extends WebSocketConsumer {
      override async connect() {
        await this.accept();
        this.send(String(this.scope.user));
      }
    }
    const signedIn: Guard<string> = ({ headers: { cookie } }) =>
      cookie === undefined ? { status: 401, reason: "Sign in" } : { user: cookie };
    const guards = [signedIn];
    await using stranger = communicate(Whoami, { guards });
    expect(await stranger.connect()).to.deep.equal({ accepted: false, status: 401, reason: "Sign in" });
    expect(() => stranger.send("?")).to.throw(ExpectationError, "No actor runs: the connection was refused");
    await using friend = communicate(Whoami, { guards, headers: { cookie: "ada" } });
    await friend.connect();
    expect(await friend.receive()).to.equal("ada");
  });

  it("passes the token of the client to guards, with and without a session", async () => {
    class Echo extends WebSocketConsumer {}
    const guards: Guard<string>[] = [
      ({ token }) => (token === "ä?>" ? { user: "ada" } : { status: 401, reason: "Sign in" }),
    ];
    await using runtime = createRuntime({ guards });
    runtime.route("/echo", Echo);
    for (const session of [false, true]) {
      await using alone = communicate(Echo, { guards, session, token: "ä?>" });
      await using client = communicateWith(runtime, "/echo", { session, token: "ä?>" });
      for (const ada of [alone, client]) expect(await ada.connect()).to.include({ accepted: true });
      expect(await communicateWith(runtime, "/echo", { session }).connect()).to.include({ status: 401 });
    }
  });

  it("rejects an unmet expectation, lists what arrived, and keeps the actor running", async () => {
    const working = gate();
    class Careful extends WebSocketConsumer {
      override async receive(text: string) {
        if (text === "work") await working.opened;
        this.send(text);
      }
    }
    await using client = communicate(Careful);
    expect(() => client.channel).to.throw(ExpectationError, "connect() first");
    await client.connect();
    client.send("first");
    await client.receive();
    client.send("work");
    expect(await failure(client.receive({ timeoutMs: 5 }))).to.equal(
      "No frame arrived within 5 ms (received before: 1, waiting: nothing).",
    );
    expect(await failure(client.receiveNothing({ timeoutMs: 5 }))).to.equal(
      'Not settled after 5 ms: an actor is busy (joined): {"consumer":"Careful","path":"/"}.',
    );
    working.open();
    expect(await client.receive()).to.equal("work");
    client.send("again");
    expect(await failure(client.receiveNothing())).to.equal(
      'Expected no more frames, but some arrived (received before: 2, waiting: "again").',
    );
    expect(await failure(client.receiveJson())).to.equal(
      'Expected a text frame with JSON, but received other text: "again".',
    );
    await client.receiveNothing();
  });

  it("rejects at once after the server has closed and all frames are read", async () => {
    class Brief extends WebSocketConsumer {
      override async connect() {
        await this.accept();
        this.send("last words");
        this.close(4001, "enough");
      }
    }
    await using client = communicate(Brief);
    await client.connect();
    expect(await client.closed).to.deep.equal({ code: 4001, reason: "enough" });
    expect(await client.receive()).to.equal("last words");
    expect(await failure(client.receive({ timeoutMs: 60_000 }))).to.contain('closed with 4001 "enough"');
  });

  it("rejects connect if no answer comes in time, and can wait again", async () => {
    const open = gate();
    class Slow extends WebSocketConsumer {
      override connect() {
        return open.opened;
      }
    }
    await using client = communicate(Slow);
    expect(await failure(client.connect({ timeoutMs: 5 }))).to.equal(
      "The connection was neither accepted nor rejected within 5 ms.",
    );
    open.open();
    expect(await client.connect()).to.include({ accepted: true });
  });

  it("rejects connect at once if the client disconnects before the answer", async () => {
    class Slow extends WebSocketConsumer {
      override async connect() {
        await new Promise((resolve) => this.signal.addEventListener("abort", resolve));
      }
    }
    const client = communicate(Slow);
    const answer = client.connect({ timeoutMs: 60_000 });
    await new Promise((resolve) => setImmediate(resolve));
    await client.disconnect(1006);
    expect(await failure(answer)).to.contain("ended before it was accepted");
    expect(client.machine.getSnapshot().value).to.equal("closed");
    await client.disconnect();
  });

  it("runs the consumer by a simulated clock, and waits by the real one", async () => {
    const clock = new SimulatedClock();
    const machine = createMachine({
      initial: "red",
      states: { red: { after: { 60000: "green" } }, green: {} },
    });
    await using client = communicate(machineConsumer(machine), { options: { clock } });
    await client.connect();
    await client.settle();
    clock.increment(59_999);
    expect(client.machineActor?.getSnapshot()).to.include({ value: "red" });
    clock.increment(1);
    expect(client.machineActor?.getSnapshot()).to.include({ value: "green" });
    expect(await failure(client.receive({ timeoutMs: 5 }))).to.match(/^No frame arrived/);
    await waitFor(client.machine, (snapshot) => snapshot.matches("joined"));
  });

  it("works without mocha and chai", async () => {
    const program =
      'import("greenroom/testing").then(({ communicate }) => process.stdout.write(typeof communicate))';
    const flags = ["--import=tsx", "--conditions=greenroom-source", "--input-type=module", "--eval", program];
    const { stdout } = await run(process.execPath, flags);
    expect(stdout).to.equal("function");
  });
});

describe("communicateWith", () => {
  it("passes routes, parameter checks and guards, as a client with a socket does", async () => {
    await using runtime = createRuntime({
      layers: { chat: new MemoryLayer() },
      guards: [
        ({ query }) => (query.has("key") ? { user: query.get("key") } : { status: 401, reason: "No key" }),
      ],
    });
    runtime.route("/ws/room/:room_name", RoomChat, { params: { room_name: groupName } });
    const status = async (target: string) => {
      const answer = await communicateWith(runtime, target).connect();
      return answer.accepted ? 101 : answer.status;
    };
    expect(await status("/ws/nowhere")).to.equal(404);
    expect(await status("/ws/room/a%20b?key=1")).to.equal(400);
    expect(await status("/ws/room/lobby")).to.equal(401);
    const client = communicateWith(runtime, "/ws/room/lobby?key=1");
    expect(await client.connect()).to.include({ accepted: true });
    client.sendJson({ message: "hello" });
    expect(await client.receiveJson()).to.deep.equal({ message: "hello" });
    await client.disconnect();
    expect(runtime.counters().refused).to.equal(3);
  });

  it("closes a connection that is disconnected by its tag during a guard, as one with a socket", async () => {
    class Signed extends WebSocketConsumer {
      override connect() {
        this.tag("user.ada");
      }
    }
    const asked = gate();
    const answered = gate();
    const runtime = createRuntime({
      layers: { chat: new MemoryLayer() },
      guards: [
        async () => {
          asked.open();
          await answered.opened;
        },
      ],
    });
    runtime.route("/ws", Signed);
    const client = communicateWith(runtime, "/ws");
    const answer = client.connect();
    await asked.opened;
    await runtime.disconnect("user.ada", 4001, "Signed out");
    answered.open();
    expect(await answer).to.include({ accepted: false, status: 503 });
    await runtime.close();
  });
});

describe("settle", () => {
  /** Passes a decreasing number through a group, without awaiting the send, until it is zero. */
  class Relay extends JsonWebSocketConsumer<{ messages: { relay: { left: number } } }> {
    static override readonly layer = "chat";
    static override readonly on = handlers<Relay>({
      relay({ left }) {
        if (left > 0) void this.pass(left - 1);
        else this.sendJson("arrived");
      },
    });
    async pass(left: number) {
      await this.groupSend("relay", { type: "relay", left });
    }
    override async connect() {
      await this.groupAdd("relay");
    }
    override receive(value: unknown) {
      void this.pass(value as number);
    }
  }

  it("waits for a whole chain of messages that no handler awaits, and no longer", async () => {
    await using client = communicate(Relay);
    await client.connect();
    for (const length of [0, 1, 2, 10, 100]) {
      client.sendJson(length);
      await client.settle();
      expect(await client.receiveJson({ timeoutMs: 0 })).to.equal("arrived");
      await client.receiveNothing();
    }
  });

  it("waits for a message that the spec has just sent, awaited or not", async () => {
    const chat = new MemoryLayer();
    await using runtime = createRuntime({ layers: { chat } });
    const client = communicate(Relay, { runtime });
    await client.connect();
    void chat.groupSend("relay", { type: "relay", left: 0 });
    expect(await failure(client.receiveNothing())).to.contain('"\\"arrived\\""');
    await client.receive();
    await client.receiveNothing();
    await client.disconnect();
  });

  it("waits until a message has reached all members, also if that takes more than one turn", async () => {
    const bus = new MemoryBus();
    const [chat, elsewhere] = [new MemoryLayer({ bus }), new MemoryLayer({ bus })];
    await using runtime = createRuntime({ layers: { chat } });
    let reached = 0;
    const slow = () => {
      reached += 1;
      const end = performance.now() + 0.2;
      while (performance.now() < end);
    };
    for (let member = 0; member < 200; member += 1) {
      await elsewhere.groupAdd("relay", await elsewhere.newChannel({ deliver: slow, gap() {} }));
    }
    await chat.groupSend("relay", { type: "relay" });
    await new Promise((resolve) => setImmediate(resolve));
    expect(reached).to.be.within(1, 199);
    await settle(runtime);
    expect(reached).to.equal(200);
    await elsewhere.close();
  });

  it("waits for a closing actor", async () => {
    const leaving = gate();
    class Thorough extends WebSocketConsumer {
      override disconnect() {
        return leaving.opened;
      }
    }
    await using runtime = createRuntime();
    const client = communicate(Thorough, { runtime });
    await client.connect();
    expect(await failure(client.disconnect(1000, { timeoutMs: 5 }))).to.equal(
      "The actor had not stopped after 5 ms.",
    );
    expect(await failure(client.settle({ timeoutMs: 5 }))).to.contain("an actor is busy (closing)");
    leaving.open();
    await client.settle();
    expect(runtime.size).to.equal(0);
  });

  it("rejects on a layer that cannot tell what is in flight, and waits for forMs instead", async () => {
    const redis = await startRedisServer();
    const chat = new RedisPubSubLayer({ url: redis.url, prefix: "spec" });
    const runtime = createRuntime({ layers: { chat } });
    try {
      const client = communicate(Relay, { runtime });
      await client.connect();
      expect(await failure(client.receiveNothing())).to.contain(
        'The layer "chat" does not count its messages in flight',
      );
      await client.receiveNothing({ forMs: 1 });
      client.sendJson(3);
      expect(await client.receiveJson()).to.equal("arrived");
    } finally {
      await runtime.close();
      await redis.stop();
    }
  });
});
