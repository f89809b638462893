import { expect } from "chai";
import type { Scope } from "greenroom";
import { internals } from "../../../runtime/internals.ts";
import { until } from "../../layers/support/until.ts";
import { nextTurn } from "../../support/next-turn.ts";
import { stopServing } from "../../support/serving.ts";
import { SessionClient } from "../support/session-client.ts";
import { begin, Recorder, start } from "../support/session-rig.ts";

const gone = { c: "gone", code: 3993, reason: "The session has ended, or was on another node" };

describe("The resume of a session", () => {
  afterEach(stopServing);

  it("goes on while it is online: fences the old socket, and tells the consumer both", async () => {
    const { client, resume, runtime } = await begin();
    client.send("echo one");
    const second = await resume(1, 1, "?tab=2");
    expect(await second.nextControl()).to.include({ c: "resumed", from: 2 });
    // The client has given up its first socket, so the frames that come by it do not count.
    client.send("from the fenced socket");
    expect(await client.closed).to.deep.equal({
      code: 3991,
      reason: "Another socket has taken over the session",
    });
    await until(() => Recorder.log.includes("onOnline 2"));
    second.send("echo two");
    expect(await second.next()).to.equal("two");
    expect(Recorder.log).to.deep.equal(["echo one", "onAway", "onOnline 2", "echo two"]);
    expect(runtime.size).to.equal(1);
    expect(runtime.counters().resumed).to.equal(1);
  });

  it("goes on before the node has had time for the loss of the old socket", async () => {
    const { client, resume, runtime, sessions } = await begin();
    const losses: (() => void)[] = [];
    runtime[internals].context.lostSockets.add = (end) => losses.push(end);
    client.cut();
    await until(() => losses.length === 1);
    const second = await resume(1, 0, "?tab=2");
    expect(await second.nextControl()).to.include({ c: "resumed" });
    losses[0]?.();
    second.send("echo still");
    expect(await second.next()).to.equal("still");
    expect(Recorder.log).to.deep.equal(["onAway", "onOnline 2", "echo still"]);
    expect([sessions.awayCount, runtime.size]).to.deep.equal([0, 1]);
    for (const end of losses.splice(0)) end();
    second.cut();
    await until(() => losses.length === 1);
    losses[0]?.();
    expect(sessions.awayCount).to.equal(1);
  });

  it("tells what was received and done meanwhile, and repeats only what the client lacks", async () => {
    const { client, cut, resume } = await begin();
    client.send("echo one");
    client.send("hold");
    client.send("echo three");
    await until(() => Recorder.log.includes("hold"));
    await cut();
    Recorder.current.send("two");
    const second = await resume(1, 0);
    expect(await second.nextControl()).to.deep.equal({ c: "resumed", received: 3, done: 1, from: 1 });
    expect(await second.take(2)).to.deep.equal(["one", "two"]);
    Recorder.hold.open();
    expect(await second.next()).to.equal("three");
    expect(await second.nextControl()).to.deep.equal({ c: "ack", n: 3 });
    await cut(second);
    const third = await resume(2, 2);
    expect(await third.nextControl()).to.deep.equal({ c: "resumed", received: 3, done: 3, from: 3 });
    expect(await third.next()).to.equal("three");
  });

  it("acknowledges a frame of the old socket that is done after the resume", async () => {
    const { client, resume } = await begin();
    client.send("hold");
    await until(() => Recorder.log.includes("hold"));
    const second = await resume(1, 0);
    expect(await second.nextControl()).to.include({ c: "resumed", received: 1, done: 0 });
    Recorder.hold.open();
    expect(await second.nextControl()).to.deep.equal({ c: "ack", n: 1 });
  });

  it("closes an attempt that is not later, and changes nothing else", async () => {
    const { client, cut, resume, session, url } = await begin();
    const second = await resume(5, 0);
    expect(await second.nextControl()).to.include({ c: "resumed" });
    expect(await client.closed).to.include({ code: 3991 });
    for (const attempt of [4, 5]) {
      const late = await SessionClient.open(url, ["greenroom.resume"]);
      // Even a count that cannot be does not count then.
      late.forge({ c: "resume", session, try: attempt, got: -1 });
      expect(await late.rest()).to.deep.equal([3992]);
    }
    second.send("echo still");
    expect(await second.next()).to.equal("still");
    await cut(second);
    expect(await (await resume(5, 1)).rest()).to.deep.equal([3992]);
    expect(await (await resume(6, 1)).nextControl()).to.include({ c: "resumed" });
  });

  it("ends in one socket when two resume at once", async () => {
    const { cut, resume, runtime } = await begin();
    await cut();
    const [first, second] = await Promise.all([resume(1, 0), resume(2, 0)]);
    const frames = await first.rest();
    expect(frames.at(-1)).to.be.oneOf([3991, 3992]);
    expect(await second.nextControl()).to.include({ c: "resumed" });
    second.send("echo here");
    expect(await second.next()).to.equal("here");
    expect(runtime.size).to.equal(1);
  });

  it("is refused on another path, and for a session that never was", async () => {
    const { client, runtime, session, url } = await begin();
    runtime.route("/other", Recorder);
    const other = await SessionClient.resume(url.replace("/ws", "/other"), session, 1, 0);
    expect(await other.rest()).to.deep.equal([gone, 3993]);
    const forged = `${session.slice(0, -1)}${session.endsWith("A") ? "B" : "A"}`;
    for (const name of [forged, "", "__proto__", "constructor", runtime.node]) {
      const stranger = await SessionClient.resume(url, name, 1, 0);
      expect(await stranger.rest(), name).to.deep.equal([gone, 3993]);
    }
    client.send("echo still");
    expect(await client.next()).to.equal("still");
    expect(runtime.counters().resumed).to.equal(0);
  });

  it("closes with 1002 when the fields of resume are malformed, and the session goes on", async () => {
    const { client, session, url, sessions } = await begin();
    const fields = [
      {},
      { session, got: 0 },
      { session, try: 0, got: 0 },
      { session, try: 1.5, got: 0 },
      { session, try: "1", got: 0 },
      { session, try: 2 ** 53, got: 0 },
      { session: [session], try: 1, got: 0 },
      { session: { toString: session }, try: 1, got: 0 },
    ];
    for (const each of fields) {
      const late = await SessionClient.open(url, ["greenroom.resume"]);
      late.forge({ c: "resume", ...each });
      expect(await late.rest(), JSON.stringify(each)).to.deep.equal([1002]);
    }
    client.send("echo still");
    expect(await client.next()).to.equal("still");
    expect(sessions.requests.size).to.equal(0);
  });

  for (const got of [-1, 2, 0.5, "1", null, 1e300]) {
    it(`ends the session when the client cannot have received ${JSON.stringify(got)} frames`, async () => {
      const { client, session, url, runtime, sessions } = await begin();
      client.send("echo one");
      await client.next();
      const late = await SessionClient.open(url, ["greenroom.resume"]);
      late.forge({ c: "resume", session, try: 1, got });
      expect(await late.rest()).to.deep.equal([1002]);
      expect(await client.closed).to.deep.equal({ code: 1002, reason: "Impossible counts" });
      await until(() => runtime.size === 0);
      expect(Recorder.log.at(-1)).to.deep.equal(["disconnect", 1002, "client"]);
      expect([sessions.size, sessions.frames.bytes]).to.deep.equal([0, 0]);
    });
  }

  it("ends an away session when its client cannot have received so much", async () => {
    const { cut, resume, runtime, sessions } = await begin();
    await cut();
    Recorder.current.send("one");
    expect(await (await resume(1, 2)).rest()).to.deep.equal([1002]);
    await until(() => runtime.size === 0);
    expect([sessions.size, sessions.awayCount, sessions.frames.bytes]).to.deep.equal([0, 0, 0]);
  });

  it("has to be the first frame", async () => {
    const { url, sessions, session } = await begin();
    for (const first of [
      "hello",
      Buffer.from("hello"),
      '\u0001{"c":"ack","n":1}',
      "\u0001",
      '\u0001{"c":1}',
    ]) {
      const late = await SessionClient.open(url, ["greenroom.resume"]);
      late.send(first);
      late.control({ c: "resume", session, try: 1, got: 0 });
      expect(await late.rest(), String(first)).to.deep.equal([1002]);
    }
    expect(sessions.requests.size).to.equal(0);
  });

  it("has to arrive within 4 KiB", async () => {
    const { url, session } = await begin();
    const size = JSON.stringify({ c: "resume", session, try: 1, got: 0, pad: "" }).length + 1;
    for (const [bytes, answer] of [
      [4_096, "resumed"],
      [4_097, 1002],
    ] as const) {
      const late = await SessionClient.open(url, ["greenroom.resume"]);
      late.forge({ c: "resume", session, try: 1, got: 0, pad: "x".repeat(bytes - size) });
      if (answer === 1002) expect(await late.closed).to.include({ code: 1002 });
      else expect(await late.nextControl()).to.include({ c: answer });
    }
  });

  it("has to arrive in time", async () => {
    const { url, clock, sessions } = await begin({ connectTimeoutMs: 1_000 });
    const late = await SessionClient.open(url, ["greenroom.resume"]);
    await until(() => sessions.requests.size === 1);
    // The deadline starts at the end of the turn.
    await nextTurn();
    clock.increment(999);
    expect(sessions.requests.size).to.equal(1);
    clock.increment(1);
    expect(await late.closed).to.deep.equal({ code: 3408, reason: "No resume in time" });
    expect(sessions.requests.size).to.equal(0);
  });

  it("leaves nothing behind when the client is cut before it names the session", async () => {
    const { url, sessions } = await begin();
    const late = await SessionClient.open(url, ["greenroom.resume"]);
    await until(() => sessions.requests.size === 1);
    late.cut();
    await until(() => sessions.requests.size === 0);
  });

  it("is refused with 503 on drain, before the client has named its session", async () => {
    const { runtime, url, sessions } = await start();
    const late = await SessionClient.open(url, ["greenroom.resume"]);
    await until(() => sessions.requests.size === 1);
    await runtime.close();
    const bye = { c: "bye", code: 3503, reason: "The server is shutting down", after: 0 };
    expect(await late.rest()).to.deep.equal([bye, 3503]);
  });

  it("is not for a socket that has a session", async () => {
    const { client, session, runtime } = await begin();
    client.control({ c: "resume", session, try: 1, got: 0 });
    expect(await client.rest()).to.deep.equal([1002]);
    await until(() => runtime.size === 0);
  });

  describe("by another user", () => {
    const user = (find: (query: URLSearchParams) => object) => ({
      guards: [(scope: Scope) => find(scope.query) as never],
    });
    const bye = { c: "bye", code: 3403, reason: "The session belongs to another user", after: null };

    async function beginAs(query: string, find: (query: URLSearchParams) => object) {
      const started = await start(user(find));
      const client = await SessionClient.open(`${started.url}?${query}`);
      const { session } = await client.nextControl();
      const resume = (attempt: number, as: string) =>
        SessionClient.resume(`${started.url}?${as}`, String(session), attempt, 0);
      return { ...started, client, resume };
    }

    const cases: readonly (readonly [string, string, string, (query: URLSearchParams) => object])[] = [
      [
        "the key of a guard",
        "key=1&name=b",
        "key=2",
        (q) => ({ user: { name: q.get("name"), id: 1 }, userKey: String(q.get("key")) }),
      ],
      [
        "the id of the user",
        "id=1&name=b",
        "id=2",
        (q) => ({ user: { id: q.get("id"), name: q.get("name") } }),
      ],
      ["the user as JSON", "name=a", "name=b", (q) => ({ user: { name: q.get("name") } })],
    ];
    for (const [title, same, other, find] of cases) {
      it(`ends the session: ${title} differs`, async () => {
        const first = same.replace("name=b", "name=a");
        const { client, resume, runtime, sessions } = await beginAs(first, find);
        expect(await (await resume(1, same)).nextControl()).to.include({ c: "resumed" });
        expect(await client.closed).to.include({ code: 3991 });
        const again = await resume(2, same);
        await again.nextControl();
        expect(await (await resume(3, other)).rest()).to.deep.equal([bye, 3403]);
        const { reason } = bye;
        expect(await again.rest()).to.deep.equal([{ c: "bye", code: 1008, reason, after: null }, 1008]);
        await until(() => runtime.size === 0);
        expect([sessions.size, sessions.frames.bytes]).to.deep.equal([0, 0]);
        expect(await (await resume(4, same)).rest()).to.deep.equal([gone, 3993]);
      });
    }

    it("ends a session that is away, too", async () => {
      const { client, resume, runtime, sessions } = await beginAs("name=a", (q) => ({
        user: { name: q.get("name") },
      }));
      client.cut();
      await until(() => sessions.awayCount === 1);
      Recorder.current.send("for a only");
      expect(await (await resume(1, "name=b")).rest()).to.deep.equal([bye, 3403]);
      await until(() => runtime.size === 0);
      expect([sessions.size, sessions.awayCount, sessions.frames.bytes]).to.deep.equal([0, 0, 0]);
      expect(Recorder.log.at(-1)).to.deep.equal(["disconnect", 1008, "client"]);
    });

    it("gives no session to a user without a key", async () => {
      const circular: Record<string, unknown> = {};
      circular.self = circular;
      const { client } = await begin(user(() => ({ user: circular })));
      client.send("echo one");
      expect(await client.next()).to.equal("one");
      client.cut();
      await until(() => Recorder.log.some((entry) => Array.isArray(entry)));
    });
  });
});
