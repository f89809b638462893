import { expect } from "chai";
import { until } from "../../layers/support/until.ts";
import { stopServing } from "../../support/serving.ts";
import { SessionClient } from "../support/session-client.ts";
import { begin, Recorder } from "../support/session-rig.ts";

describe("Session", () => {
  afterEach(stopServing);

  it("begins with hello, which names the session and its limits", async () => {
    const { hello, runtime, client } = await begin();
    expect(hello).to.deep.equal({
      c: "hello",
      session: hello.session,
      resumeMs: 60_000,
      maxBytes: 1_048_576,
      maxPayload: 65_536,
      window: 64,
      beatMs: 25_000,
    });
    expect(hello.session).to.match(new RegExp(`^${runtime.node}\\.[\\w-]{43}$`));
    expect(client.websocket.protocol).to.equal("greenroom.v1");
  });

  it("goes on after a blink: the actor, its groups and its frames", async () => {
    const { client, session, url, runtime } = await begin();
    client.send("echo one");
    expect(await client.next()).to.equal("one");
    expect(await client.nextControl()).to.deep.equal({ c: "ack", n: 1 });
    client.cut();
    await until(() => Recorder.log.includes("onAway"));
    expect(Recorder.current.waitingBytes).to.equal(3);
    Recorder.current.send("two");
    const again = await SessionClient.resume(`${url}?tab=2`, session, 1, 1);
    expect(await again.nextControl()).to.deep.equal({ c: "resumed", received: 1, done: 1, from: 2 });
    expect(await again.next()).to.equal("two");
    await until(() => Recorder.log.includes("onOnline 2"));
    again.send("echo three");
    expect(await again.next()).to.equal("three");
    expect(runtime.size).to.equal(1);
    expect(runtime.counters().resumed).to.equal(1);
    expect(Recorder.log).to.deep.equal(["echo one", "onAway", "onOnline 2", "echo three"]);
  });

  it("acknowledges a frame once its handler has settled", async () => {
    const { client } = await begin();
    client.send("hold");
    client.send("echo after");
    client.control({ c: "beat" });
    expect(await client.nextControl()).to.deep.equal({ c: "beat" });
    Recorder.hold.open();
    expect(await client.next()).to.equal("after");
    expect(await client.nextControl()).to.deep.equal({ c: "ack", n: 2 });
  });

  it("ends when the client does not come back within resumeMs", async () => {
    const { client, session, url, clock, runtime } = await begin();
    Recorder.current.send("one");
    await client.next();
    client.cut();
    await until(() => Recorder.log.includes("onAway"));
    clock.increment(59_999);
    expect(runtime.size).to.equal(1);
    clock.increment(1);
    await until(() => runtime.size === 0);
    expect(Recorder.log.at(-1)).to.deep.equal(["disconnect", 1006, "client"]);
    expect(runtime.counters().dropped.away).to.equal(1);
    const again = await SessionClient.resume(url, session, 1, 0);
    expect(await again.nextControl()).to.deep.equal({
      c: "gone",
      code: 3993,
      reason: "The client did not come back in time",
      missed: 1,
      done: 0,
    });
    expect(await again.closed).to.include({ code: 3993 });
  });

  it("says bye before a close by the consumer", async () => {
    const { client } = await begin();
    client.send("close 4001");
    expect(await client.nextControl()).to.deep.equal({ c: "bye", code: 4001, reason: "enough", after: null });
    expect(await client.closed).to.deep.equal({ code: 4001, reason: "enough" });
  });

  it("repeats its last words to a client that was away", async () => {
    const { client, session, url, runtime } = await begin();
    client.cut();
    await until(() => Recorder.log.includes("onAway"));
    Recorder.current.send("last");
    Recorder.current.close(4002, "over");
    await until(() => runtime.size === 0);
    const again = await SessionClient.resume(url, session, 1, 0);
    expect(await again.nextControl()).to.deep.equal({ c: "resumed", received: 0, done: 0, from: 1 });
    expect(await again.next()).to.equal("last");
    expect(await again.nextControl()).to.deep.equal({ c: "bye", code: 4002, reason: "over", after: null });
    expect(await again.closed).to.deep.equal({ code: 4002, reason: "over" });
    const third = await SessionClient.resume(url, session, 2, 1);
    expect(await third.nextControl()).to.include({ c: "gone" });
  });

  it("fences the old socket when another one resumes, and refuses an attempt that is not later", async () => {
    const { client, session, url } = await begin();
    const second = await SessionClient.resume(url, session, 2, 0);
    expect(await second.nextControl()).to.include({ c: "resumed" });
    expect(await client.closed).to.include({ code: 3991 });
    const late = await SessionClient.resume(url, session, 2, 0);
    expect(await late.closed).to.include({ code: 3992 });
    second.send("echo still");
    expect(await second.next()).to.equal("still");
  });
});
