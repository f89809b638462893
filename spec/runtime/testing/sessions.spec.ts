import { expect } from "chai";
import { createRuntime, type Guard, MemoryLayer, type Scope, WebSocketConsumer } from "greenroom";
import { type Communicator, communicate, communicateWith, ExpectationError } from "greenroom/testing";
import { SimulatedClock } from "xstate";
import { gate } from "../../support/gate.ts";

/** Answers `echo …`, closes on `close`, and records what happens to it. */
class Echo extends WebSocketConsumer {
  static log: string[] = [];
  static hold = gate();
  static current: Echo | undefined;
  override connect() {
    Echo.current = this;
  }
  override async receive(text: string) {
    Echo.log.push(text);
    if (text === "hold") await Echo.hold.opened;
    if (text === "close") this.close(4001, "enough");
    if (text.startsWith("echo ")) this.send(text.slice(5));
  }
  override onAway() {
    Echo.log.push("onAway");
  }
  override onOnline({ path }: Scope) {
    Echo.log.push(`onOnline ${path}`);
  }
  override disconnect(code: number) {
    Echo.log.push(`disconnect ${code}`);
  }
}

class WithoutSession extends Echo {
  static override readonly session = false;
}

class Chooses extends Echo {
  override connect() {
    return this.accept({ subprotocol: "beta", headers: { "X-Room": "7" } });
  }
}

const rejection = (work: Promise<unknown>): Promise<Error> =>
  work.then(
    () => Promise.reject(new Error("The promise was fulfilled.")),
    (error) => error,
  );

describe("a session of communicate", () => {
  let clock: SimulatedClock;

  beforeEach(() => {
    clock = new SimulatedClock();
    Echo.log = [];
    Echo.hold = gate();
  });

  async function connected(Consumer = Echo): Promise<Communicator> {
    const client = communicate(Consumer, { session: true, path: "/echo", options: { clock } });
    expect(await client.connect()).to.deep.equal({ accepted: true, subprotocol: undefined, headers: {} });
    return client;
  }

  it("carries frames both ways, also those that begin with U+0001, and hides the control frames", async () => {
    await using client = await connected();
    client.send("echo one");
    expect(await client.receive()).to.equal("one");
    client.send('echo \u0001{"c":"bye"}');
    expect(await client.receive()).to.equal('\u0001{"c":"bye"}');
    client.send("\u0001mine");
    await client.receiveNothing();
    expect(Echo.log.at(-1)).to.equal("\u0001mine");
    expect(client.runtime).to.have.property("size", 1);
  });

  it("tells the consumer's subprotocol and headers", async () => {
    await using client = communicate(Chooses, { session: true, subprotocols: ["alpha", "beta"] });
    expect(await client.connect()).to.deep.equal({
      accepted: true,
      subprotocol: "beta",
      headers: { "X-Room": "7" },
    });
  });

  it("goes on after a blink: the client gets what was kept, and sends what waited", async () => {
    await using client = await connected();
    client.send("echo one");
    expect(await client.receive()).to.equal("one");
    client.blink();
    expect(client.machine.getSnapshot().value).to.deep.equal({ joined: "away" });
    client.send("echo three");
    Echo.current?.send("two");
    await client.receiveNothing();
    expect(await client.resume()).to.deep.equal({ resumed: true, missed: 0 });
    expect(client.machine.getSnapshot().value).to.deep.equal({ joined: "online" });
    expect(await client.receive()).to.equal("two");
    expect(await client.receive()).to.equal("three");
    await client.receiveNothing();
    expect(Echo.log).to.deep.equal(["echo one", "onAway", "onOnline /echo", "echo three"]);
  });

  it("loses what the server sends on a dead line, and has no command run twice", async () => {
    await using client = await connected();
    client.drop();
    client.send("echo one");
    client.send("echo two");
    Echo.current?.send("three");
    await client.receiveNothing();
    expect(client.machine.getSnapshot().value).to.deep.equal({ joined: "online" });
    client.blink();
    await client.resume();
    const kept = [await client.receive(), await client.receive(), await client.receive()];
    expect(kept.sort()).to.deep.equal(["one", "three", "two"]);
    await client.receiveNothing();
    expect(Echo.log.filter((entry) => entry.startsWith("echo"))).to.deep.equal(["echo one", "echo two"]);
  });

  it("sends again only what the server has not taken, also if its handler has not settled", async () => {
    await using client = await connected();
    client.send("hold");
    client.send("echo one");
    client.blink();
    client.send("echo two");
    await client.resume();
    Echo.hold.open();
    expect([await client.receive(), await client.receive()]).to.deep.equal(["one", "two"]);
    await client.receiveNothing();
    expect(Echo.log.filter((entry) => !entry.startsWith("on"))).to.deep.equal([
      "hold",
      "echo one",
      "echo two",
    ]);
  });

  it("acknowledges what arrives, so that the session keeps nothing for a client that is online", async () => {
    await using client = await connected();
    for (const text of ["a", "b", "c"]) client.send(`echo ${text}`);
    await client.settle();
    client.blink();
    expect(Echo.current?.waitingBytes).to.equal(0);
    await client.resume();
    expect(await client.receive()).to.equal("a");
  });

  it("ends when the client comes back too late", async () => {
    await using client = await connected();
    client.blink(1001, "reload");
    Echo.current?.send("lost");
    await client.settle();
    clock.increment(59_999);
    await client.settle();
    expect(Echo.log).to.deep.equal(["onAway"]);
    clock.increment(1);
    await client.settle();
    expect(Echo.log).to.deep.equal(["onAway", "disconnect 1001"]);
    const reason = "The client did not come back in time";
    expect(await client.resume()).to.deep.equal({ resumed: false, code: 3993, reason, missed: 1 });
    expect(await client.closed).to.deep.equal({ code: 3993, reason });
    expect((await rejection(client.receive())).message).to.include("closed with 3993");
  });

  it("gets the last words of a consumer that closed while the client was away, or on a dead line", async () => {
    for (const lose of ["blink", "drop"] as const) {
      await using client = await connected();
      if (lose === "blink") client.blink();
      else client.drop();
      Echo.current?.send("last");
      Echo.current?.close(4002, "over");
      await client.settle();
      if (lose === "drop") client.blink();
      expect(await client.resume(), lose).to.deep.equal({ resumed: true, missed: 0 });
      expect(await client.receive()).to.equal("last");
      expect(await client.closed).to.deep.equal({ code: 4002, reason: "over" });
    }
  });

  it("says how many frames a session has dropped for a client that did not take them", async () => {
    class Small extends Echo {
      static override readonly session = { maxFrames: 2 };
    }
    await using client = await connected(Small);
    client.drop();
    for (const text of ["a", "b", "c"]) client.send(`echo ${text}`);
    await client.settle();
    client.blink();
    expect(await client.resume()).to.deep.equal({ resumed: true, missed: 1 });
    expect([await client.receive(), await client.receive()]).to.deep.equal(["b", "c"]);
    Echo.current?.send("d");
    expect(await client.receive()).to.equal("d");
    client.blink();
    expect(Echo.current?.waitingBytes).to.equal(0);
  });

  it("has a second client that takes over, and fences the first", async () => {
    await using first = await connected();
    first.send("echo one");
    expect(await first.receive()).to.equal("one");
    const second = await first.duplicate();
    expect(await first.closed).to.include({ code: 3991 });
    expect((await rejection(first.receive())).message).to.include("closed with 3991");
    first.send("echo nothing");
    second.send("echo two");
    expect(await second.receive()).to.equal("two");
    await second.receiveNothing();
    expect(Echo.log).to.deep.equal(["echo one", "onAway", "onOnline /echo", "echo two"]);
    expect(second.channel).to.equal(first.channel);
    await second.disconnect();
    expect(Echo.log.at(-1)).to.equal("disconnect 1000");
  });

  it("is refused if another client has resumed with a later attempt, and may try again", async () => {
    await using first = await connected();
    first.blink();
    await using second = await first.duplicate();
    expect(await first.resume()).to.include({ resumed: false, code: 3992 });
    expect(await first.resume()).to.include({ resumed: true });
    expect(await second.closed).to.include({ code: 3991 });
  });

  it("asks the guards again, which may refuse the client now or for good", async () => {
    let refusal: { status: number; reason: string } | undefined;
    let user = "ada";
    const guard: Guard<string> = () => refusal ?? { user };
    await using runtime = createRuntime({ layers: { chat: new MemoryLayer() }, onError() {} });
    runtime.route("/echo", Echo, { guards: [guard] });
    const client = communicateWith(runtime, "/echo", { session: true });
    await client.connect();
    client.blink();
    refusal = { status: 503, reason: "Busy" };
    expect(await client.resume()).to.deep.equal({ resumed: false, code: 3503, reason: "Busy" });
    refusal = undefined;
    expect(await client.resume()).to.include({ resumed: true });
    client.blink();
    user = "eve";
    expect(await client.resume()).to.include({ resumed: false, code: 3403 });
    expect(await client.closed).to.include({ code: 3403 });
    refusal = { status: 401, reason: "Sign in first" };
    const stranger = communicateWith(runtime, "/echo", { session: true });
    expect(await stranger.connect()).to.deep.equal({ accepted: false, status: 401, reason: "Sign in first" });
    expect(await stranger.closed).to.deep.equal({ code: 3401, reason: "Sign in first" });
  });

  it("is closed by its consumer, or by its client, with an answer to what is handled", async () => {
    await using client = await connected();
    client.send("close");
    expect(await client.closed).to.deep.equal({ code: 4001, reason: "enough" });
    client.send("late");
    await using other = await connected();
    await other.disconnect(4000);
    expect(Echo.log).to.deep.equal(["close", "disconnect 4001", "disconnect 4000"]);
    expect(await other.closed).to.include({ code: 4000 });
  });

  it("ends the actor of a client that disconnects while away, or vanishes", async () => {
    for (const isAway of [true, false]) {
      const client = await connected();
      if (isAway) client.blink();
      await client.disconnect(1006);
      expect(Echo.log.at(-1)).to.equal("disconnect 1006");
    }
  });

  it("ends with its socket if the consumer refuses sessions", async () => {
    await using client = await connected(WithoutSession);
    client.send("echo one");
    expect(await client.receive()).to.equal("one");
    client.blink();
    await client.settle();
    expect(Echo.log).to.deep.equal(["echo one", "disconnect 1006"]);
    expect(await client.closed).to.include({ code: 1006 });
  });

  it("refuses calls that do not fit the state of the client", async () => {
    await using plain = communicate(Echo);
    expect(() => plain.blink()).to.throw(ExpectationError, "No actor runs yet");
    await plain.connect();
    expect(() => plain.drop()).to.throw(
      ExpectationError,
      "The client has no session: pass { session: true }",
    );
    await using client = await connected();
    expect((await rejection(client.resume())).message).to.equal("The client is joined, but has to be away.");
    client.blink();
    expect(() => client.blink()).to.throw(ExpectationError, "The client is away, but has to be joined");
  });
});
