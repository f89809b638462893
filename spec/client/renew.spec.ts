import { expect } from "chai";
import { until } from "../layers/support/until.ts";
import { nextTurn } from "../support/next-turn.ts";
import { Stage } from "./support/stage.ts";

describe("A client that is asked for a new token", () => {
  let stage: Stage;

  beforeEach(async () => {
    stage = await Stage.open();
  });
  afterEach(() => stage.close());

  it("calls its function again, and answers with the result", async () => {
    let calls = 0;
    const token = async () => {
      calls += 1;
      return `token ${calls}`;
    };
    const { peer, client } = await stage.joined({ token });
    expect(calls).to.equal(1);
    for (const n of [2, 3]) {
      peer.control({ c: "renew", inMs: 10_000 });
      expect(await peer.readControl()).to.deep.equal({ c: "renew", token: `token ${n}` });
    }
    expect(client.seen.states).to.deep.equal(["joined"]);
  });

  it("answers with a token that is a text", async () => {
    const { peer } = await stage.joined({ token: "text" });
    peer.control({ c: "renew", inMs: 10_000 });
    expect(await peer.readControl()).to.deep.equal({ c: "renew", token: "text" });
  });

  for (const [name, token] of [
    ["no token", undefined],
    ["an empty token", ""],
  ] as const) {
    it(`stays silent with ${name}`, async () => {
      const { client, peer } = await stage.joined(token === undefined ? {} : { token });
      peer.control({ c: "renew", inMs: 10_000 });
      peer.control({ c: "skip", n: 1 });
      await until(() => client.seen.gaps.length === 1);
      await nextTurn();
      expect(peer.unread).to.deep.equal([]);
      expect(client.seen.errors).to.deep.equal([]);
    });
  }

  it("reports what its function throws, and stays joined until the server closes", async () => {
    const failure = new Error("no token");
    let isConnected = false;
    const token = () => {
      if (isConnected) throw failure;
      return "first";
    };
    const { client, peer } = await stage.joined({ token });
    isConnected = true;
    peer.control({ c: "renew", inMs: 10_000 });
    await until(() => client.seen.errors.length === 1);
    expect(client.seen.errors).to.deep.equal([failure]);
    expect(client.status.state).to.equal("joined");
    peer.control({ c: "bye", code: 3401, reason: "The sign-in has expired", after: null });
    await client.reaches("closed");
    expect(client.status).to.deep.equal({
      state: "closed",
      code: 3401,
      reason: "The sign-in has expired",
      status: 401,
    });
  });

  it("reports a token that is too long", async () => {
    let token = "first";
    const { client, peer } = await stage.joined({ token: () => token });
    token = "x".repeat(3_073);
    peer.control({ c: "renew", inMs: 10_000 });
    await until(() => client.seen.errors.length === 1);
    expect(client.seen.errors[0]).to.have.property("code", "ERR_TOKEN_TOO_LONG");
    expect(peer.unread).to.deep.equal([]);
  });

  it("says nothing on a socket that was opened meanwhile, before its session goes on", async () => {
    let answer = (_token: string) => {};
    let calls = 0;
    const token = () => {
      calls += 1;
      if (calls !== 2) return "quick";
      return new Promise<string>((resolve) => {
        answer = resolve;
      });
    };
    const { client, peer } = await stage.joined({ token });
    peer.control({ c: "renew", inMs: 10_000 });
    await until(() => calls === 2);
    peer.cut();
    const { peer: second, resume } = await stage.comesBack(client);
    expect(resume).to.have.property("c", "resume");
    answer("late");
    await nextTurn();
    second.control({ c: "resumed", received: 0, done: 0, from: 1 });
    await client.reaches("joined");
    void client.send("next").catch(() => {});
    expect(await second.read()).to.equal("next");
  });

  for (const announces of [true, false]) {
    it(`is closed for good with the status 401 after 3401, ${announces ? "with" : "without"} bye`, async () => {
      const { client, peer } = await stage.joined({ token: "text" });
      if (announces) peer.control({ c: "bye", code: 3401, reason: "over", after: null });
      else peer.close(3401, "over");
      await client.reaches("closed");
      expect(client.status).to.deep.equal({ state: "closed", code: 3401, reason: "over", status: 401 });
      stage.environment.advance(60_000);
      await nextTurn();
      expect(stage.server.upgrades).to.equal(1);
    });
  }
});
