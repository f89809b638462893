import { expect } from "chai";
import { frameBytes, referenceBytes } from "../../../runtime/session/logged-frames.ts";
import { until } from "../../layers/support/until.ts";
import { stopServing } from "../../support/serving.ts";
import { SessionClient } from "../support/session-client.ts";
import { begin, Recorder, start } from "../support/session-rig.ts";

class Small extends Recorder {
  static override readonly session = { maxBytes: 10, maxFrames: 4 };
}

describe("The bounds of sessions", () => {
  afterEach(stopServing);

  for (const [bound, texts, from] of [
    ["maxBytes", ["aaaa", "bbbb", "cc", "d"], 2],
    ["maxFrames", ["a", "b", "c", "d", "e", "f"], 3],
    ["maxBytes of one frame", ["a", "b".repeat(11)], 3],
  ] as const) {
    it(`drop the oldest frames of a client that is online: ${bound}`, async () => {
      const { client, cut, resume, runtime } = await begin({}, Small);
      for (const text of texts) Recorder.current.send(text);
      // The client gets them all nevertheless.
      expect(await client.take(texts.length)).to.deep.equal(texts);
      await cut();
      const again = await resume(1, 0);
      expect(await again.nextControl()).to.include({ c: "resumed", from });
      Recorder.current.send("end");
      expect(await again.take(texts.length - from + 2)).to.deep.equal([...texts.slice(from - 1), "end"]);
      expect(runtime.counters().dropped.away).to.equal(0);
    });
  }

  it("hold frames that the client has already acknowledged for nothing", async () => {
    const { client, cut, resume } = await begin({}, Small);
    for (const text of ["a", "b", "c", "d", "e", "f"]) Recorder.current.send(text);
    await client.take(6);
    await cut();
    expect(await (await resume(1, 6)).nextControl()).to.include({ c: "resumed", from: 7 });
  });

  for (const [bound, texts] of [
    ["maxBytes", ["aaaaaa", "bbbbb"]],
    ["maxFrames", ["a", "b", "c", "d", "e"]],
  ] as const) {
    it(`end the session of a client that is away: ${bound}`, async () => {
      const { cut, resume, runtime, sessions } = await begin({}, Small);
      await cut();
      for (const text of texts.slice(0, -1)) Recorder.current.send(text);
      expect(sessions.awayCount).to.equal(1);
      Recorder.current.send(texts.at(-1) ?? "");
      await until(() => runtime.size === 0);
      expect(Recorder.log.at(-1)).to.deep.equal(["disconnect", 1006, "client"]);
      expect(runtime.counters().dropped.away).to.equal(texts.length);
      expect([sessions.awayCount, sessions.frames.bytes]).to.deep.equal([0, 0]);
      const reason = "Too many frames waited for the client";
      const gone = { c: "gone", code: 3993, reason, missed: texts.length, done: 0 };
      expect(await (await resume(1, 0)).rest()).to.deep.equal([gone, 3993]);
    });
  }

  /** Sessions that end with an entry of their name in the log. */
  class Named extends Recorder {
    static readonly open = new Map<string, Named>();
    override connect() {
      Named.open.set(String(this.scope.query.get("name")), this);
      return super.connect();
    }
    override disconnect() {
      Recorder.log.push(String(this.scope.query.get("name")));
    }
  }

  async function openNamed(options: object, ...names: string[]) {
    const started = await start(options, Named);
    const clients: SessionClient[] = [];
    for (const name of names) {
      const client = await SessionClient.open(`${started.url}?name=${name}`);
      await client.nextControl();
      clients.push(client);
    }
    const cut = async (index: number) => {
      const { awayCount } = started.sessions;
      const { size } = started.runtime;
      clients[index]?.cut();
      await until(() => started.sessions.awayCount > awayCount || started.runtime.size < size);
    };
    return { ...started, clients, cut, ended: Recorder.log };
  }

  it("end the session that has been away for longest: maxAwaySessions", async () => {
    const { cut, ended, sessions, runtime } = await openNamed({ maxAwaySessions: 2 }, "a", "b", "c");
    for (const index of [1, 0, 2]) await cut(index);
    await until(() => runtime.size === 2);
    expect(ended.filter((entry) => !String(entry).startsWith("on"))).to.deep.equal(["b"]);
    expect(sessions.awayCount).to.equal(2);
  });

  it("forget the oldest last words: maxAwaySessions", async () => {
    const { cut, sessions, runtime } = await openNamed({ maxAwaySessions: 2 }, "a", "b", "c");
    for (const [index, name] of ["a", "b", "c"].entries()) {
      await cut(index);
      Named.open.get(name)?.send(name);
      Named.open.get(name)?.close(4000, "");
      await until(() => runtime.size === 2 - index);
    }
    expect(sessions.size).to.equal(2);
    expect(runtime.counters().dropped.away).to.equal(1);
    expect(sessions.frames.bytes).to.equal(2 * (1 + frameBytes + referenceBytes));
  });

  it("count a frame of a room once: maxSessionBytes", async () => {
    const frame = "x".repeat(100);
    const maxSessionBytes = 100 + 2 * frameBytes + 3 * referenceBytes;
    const { cut, sessions, runtime } = await openNamed({ maxSessionBytes }, "a", "b", "c");
    for (const index of [0, 1, 2]) await cut(index);
    for (const named of Named.open.values()) named.send(frame);
    expect(sessions.frames.bytes).to.equal(maxSessionBytes - frameBytes);
    expect(sessions.awayCount).to.equal(3);
    Named.open.get("c")?.send("y");
    // The end of the first one frees its reference only, because the others keep the frame.
    await until(() => runtime.size === 1);
    expect(runtime.counters().dropped.away).to.equal(2);
    expect(sessions.frames.bytes).to.equal(101 + 2 * frameBytes + 2 * referenceBytes);
  });

  it("end away sessions, then forget last words, then drop frames of the sender: maxSessionBytes", async () => {
    const { cut, ended, sessions, runtime } = await openNamed({ maxSessionBytes: 1_300 }, "a", "b", "c");
    const send = (name: string, letter: string) => Named.open.get(name)?.send(letter.repeat(300));
    await cut(0);
    await cut(1);
    send("a", "a");
    Named.open.get("a")?.close(4000, "");
    send("b", "b");
    send("c", "c");
    await until(() => runtime.size === 2);
    send("c", "d");
    await until(() => runtime.size === 1);
    expect(ended.filter((entry) => !String(entry).startsWith("on"))).to.deep.equal(["a", "b"]);
    expect(runtime.counters().dropped.away).to.equal(1);
    send("c", "e");
    expect(sessions.size).to.equal(2);
    expect(runtime.counters().dropped.away).to.equal(2);
    expect(sessions.frames.bytes).to.equal(3 * (300 + frameBytes + referenceBytes));
    send("c", "f");
    expect(sessions.frames.bytes).to.equal(3 * (300 + frameBytes + referenceBytes));
  });
});
