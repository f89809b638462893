import { expect } from "chai";
import { until } from "../layers/support/until.ts";
import { nextTurn } from "../support/next-turn.ts";
import { outcomeOf, Stage } from "./support/stage.ts";

describe("A client that listens for signs of life", () => {
  let stage: Stage;

  beforeEach(async () => {
    stage = await Stage.open();
  });
  afterEach(() => stage.close());

  it("sends a beat if nothing was heard for beatMs", async () => {
    const { client, peer } = await stage.joined({}, { beatMs: 10_000 });
    stage.environment.advance(6_000);
    const texts: string[] = [];
    client.on("text", (text) => texts.push(text));
    peer.send("a sign");
    await until(() => texts.length === 1);
    stage.environment.advance(9_999);
    await nextTurn();
    expect(peer.unread.filter((frame) => String(frame).includes("beat"))).to.deep.equal([]);
    stage.environment.advance(1);
    await until(() => peer.unread.some((frame) => String(frame).includes("beat")));
  });

  it("stays if the answer comes within 5 s, and gives the socket up if not", async () => {
    const { client, peer } = await stage.joined({}, { beatMs: 10_000 });
    stage.environment.advance(10_000);
    expect(await peer.readControl()).to.deep.equal({ c: "beat" });
    const { timers } = stage.environment;
    peer.control({ c: "beat" });
    peer.control({ c: "skip", n: 1 });
    await until(() => client.seen.gaps.length === 1);
    stage.environment.advance(5_000);
    expect(client.status.state).to.equal("joined");
    expect(timers.size).to.be.greaterThan(0);
    stage.environment.advance(5_000);
    await until(() => peer.unread.some((frame) => String(frame).includes("beat")));
    expect(client.status.state).to.equal("joined");
    stage.environment.advance(5_000);
    expect(client.status.state).to.equal("away");
    expect(await peer.closed).to.include({ code: 3990 });
  });

  it("asks again after a sleep, and does not give up a socket whose answer waits to be read", async () => {
    const { client, peer } = await stage.joined({}, { beatMs: 10_000 });
    stage.environment.advance(10_000);
    await peer.readControl();
    stage.environment.sleep(3_600_000);
    expect(client.status.state).to.equal("joined");
    expect(await peer.readControl()).to.deep.equal({ c: "beat" });
    stage.environment.advance(2_500);
    expect(client.status.state).to.equal("away");
  });

  it("gives a dead socket up although each timer fires late", async () => {
    const { client } = await stage.joined({}, { beatMs: 10_000 });
    for (let minute = 0; minute < 3; minute += 1) stage.environment.sleep(60_000);
    expect(client.status.state).to.equal("away");
  });

  for (const wake of ["online", "pageshow", "visibilitychange"]) {
    it(`tries at once on ${wake}, if it is away`, async () => {
      const { client, peer } = await stage.joined();
      stage.environment.document.visibilityState = "visible";
      peer.cut();
      await client.reaches("away");
      stage.environment.dispatch(wake);
      const second = await stage.server.peer();
      expect(await second.readControl()).to.include({ c: "resume", try: 1 });
      stage.environment.dispatch(wake);
      second.control({ c: "resumed", received: 0, done: 0, from: 1 });
      await client.reaches("joined");
      expect(stage.server.upgrades).to.equal(2);
    });

    it(`proves the line on ${wake}, if it is joined`, async () => {
      const { client, peer } = await stage.joined();
      stage.environment.dispatch(wake);
      expect(await peer.readControl()).to.deep.equal({ c: "beat" });
      stage.environment.advance(5_000);
      expect(client.status.state).to.equal("away");
    });
  }

  it("does nothing when its page is hidden", async () => {
    const { client, peer } = await stage.joined();
    stage.environment.document.visibilityState = "hidden";
    stage.environment.dispatch("visibilitychange");
    outcomeOf(client.send("a"));
    expect(await peer.read()).to.equal("a");
    peer.cut();
    await client.reaches("away");
    stage.environment.dispatch("visibilitychange");
    expect((await stage.comesBack(client)).resume).to.include({ try: 1 });
    expect(stage.server.upgrades).to.equal(2);
  });

  it("leaves for good when its page is left", async () => {
    const { client, peer } = await stage.joined();
    stage.environment.dispatch("pagehide", { persisted: false });
    expect(await peer.readControl()).to.deep.equal({ c: "bye" });
    expect(await peer.closed).to.include({ code: 1000 });
    await client.reaches("closed");
  });

  it("gives its socket up when the browser keeps its page, and resumes when the page is shown", async () => {
    const { client, peer } = await stage.joined();
    stage.environment.dispatch("pagehide", { persisted: true });
    expect(await peer.closed).to.include({ code: 3990 });
    expect(peer.unread).to.deep.equal([]);
    stage.environment.dispatch("pageshow", { persisted: true });
    const second = await stage.server.peer();
    expect(await second.readControl()).to.include({ c: "resume", session: "node.secret" });
    second.control({ c: "resumed", received: 0, done: 0, from: 1 });
    await client.reaches("joined");
  });

  it("connects at once after a sleep in which the next attempt was due", async () => {
    const { client, peer } = await stage.joined();
    peer.cut();
    await client.reaches("away");
    stage.environment.sleep(3_600_000);
    expect(await (await stage.server.peer()).readControl()).to.include({ c: "resume" });
  });
});
