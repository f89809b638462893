import { expect } from "chai";
import { connect } from "greenroom/client";
import { until } from "../layers/support/until.ts";
import { nextTurn } from "../support/next-turn.ts";
import { outcomeOf, Stage } from "./support/stage.ts";

describe("A client that connects", () => {
  let stage: Stage;

  beforeEach(async () => {
    stage = await Stage.open();
  });
  afterEach(() => stage.close());

  it("asks for a token before each attempt, and offers it as a subprotocol", async () => {
    const tokens = ["first", "ä?>~", "~~>"];
    const client = stage.raw({ token: async () => tokens.shift() ?? "" });
    const peer = await stage.welcome(client);
    expect(peer.offered).to.deep.equal(["greenroom.v1", "greenroom.token.Zmlyc3Q"]);
    peer.cut();
    const second = await stage.returns(client);
    expect(second.offered).to.deep.equal(["greenroom.v1", "greenroom.resume", "greenroom.token.w6Q_Pn4"]);
    second.cut();
    const third = await stage.returns(client);
    expect(third.offered[2]).to.equal("greenroom.token.fn4-");
    third.cut();
    expect((await stage.returns(client)).offered).to.deep.equal(["greenroom.v1", "greenroom.resume"]);
  });

  it("offers a token that is a text", async () => {
    const client = stage.raw({ token: "text" });
    expect((await stage.welcome(client)).offered).to.include("greenroom.token.dGV4dA");
  });

  it("reports a token that is too long, and tries again", async () => {
    const tokens = ["x".repeat(3_073), "x".repeat(3_072)];
    const client = stage.raw({ token: () => tokens.shift() ?? "" });
    await until(() => client.seen.errors.length === 1);
    expect(client.seen.errors[0]).to.have.property("code", "ERR_TOKEN_TOO_LONG");
    stage.environment.advance(250);
    const peer = await stage.welcome(client);
    expect(peer.offered[1]).to.have.length("greenroom.token.".length + 4_096);
  });

  for (const [kind, token] of [
    [
      "throws",
      () => {
        throw new Error("no token");
      },
    ],
    ["rejects", () => Promise.reject(new Error("no token"))],
  ] as const) {
    it(`reports the error of a token function that ${kind}, and tries again`, async () => {
      const client = stage.raw({ token });
      await until(() => client.seen.errors.length === 1);
      expect(client.seen.errors[0]).to.have.property("message", "no token");
      stage.environment.advance(250);
      await until(() => client.seen.errors.length === 2);
      expect(client.status).to.deep.equal({ state: "connecting" });
      expect(stage.server.upgrades).to.equal(0);
    });
  }

  for (const code of [3400, 3401, 3403, 3404, 3489, 3490, 3491, 3499, 1002, 1008]) {
    it(`is closed for good by ${code}`, async () => {
      const client = stage.raw();
      const waiting = outcomeOf(client.send("a"));
      (await stage.server.peer()).close(code, "No");
      await client.reaches("closed");
      // From 3490 on, the code is not that of a refusal.
      const status = code >= 3000 && code < 3490 ? { status: code - 3000 } : {};
      expect(client.status).to.deep.equal({ state: "closed", code, reason: "No", ...status });
      await nextTurn();
      expect(waiting.value).to.include({ code: "ERR_CONNECTION_CLOSED", closeCode: code, reason: "No" });
      stage.environment.advance(600_000);
      await nextTurn();
      expect(stage.server.upgrades).to.equal(1);
    });
  }

  for (const code of [3408, 3425, 3426, 3429, 3500, 3503, 1000, 1001, 1011, 1012, 3008]) {
    it(`tries again after ${code}`, async () => {
      const client = stage.raw();
      const peer = await stage.server.peer();
      peer.close(code, "Later");
      await peer.closed;
      await until(() => {
        stage.environment.advance(250);
        return stage.server.upgrades === 2;
      });
      expect(client.status).to.deep.equal({ state: "connecting" });
    });
  }

  it("is closed by a final bye of a refusal, and does not wait for the close", async () => {
    const client = stage.raw();
    (await stage.server.peer()).control({ c: "bye", code: 3401, reason: "Sign in", after: null });
    await client.reaches("closed");
    expect(client.status).to.deep.equal({ state: "closed", code: 3401, reason: "Sign in", status: 401 });
  });

  it("tries again after a plain HTTP refusal", async () => {
    stage.server.refusals.push(403, 503);
    const client = stage.raw();
    await until(() => {
      stage.environment.advance(10);
      return stage.server.upgrades === 3;
    });
    await stage.welcome(client);
  });

  it("waits for a random time below a limit that doubles from 500 ms to 5 s", async () => {
    const { client, peer } = await stage.joined();
    stage.environment.randomness = 1;
    const delays: number[] = [];
    peer.cut();
    for (let attempt = 0; attempt < 7; attempt += 1) {
      await until(() => client.seen.retries.length > 0);
      delays.push(client.seen.retries[0] ?? 0);
      (await stage.returns(client)).cut();
    }
    expect(delays).to.deep.equal([500, 1_000, 2_000, 4_000, 5_000, 5_000, 5_000]);
    expect(client.status).to.include({ state: "away", retryInMs: 5_000 });
  });

  it("begins again with short delays once it was joined for 10 s", async () => {
    stage.environment.randomness = 1;
    const { client, peer } = await stage.joined();
    peer.cut();
    const { peer: second } = await stage.comesBack(client);
    second.control({ c: "resumed", received: 0, done: 0, from: 1 });
    await client.reaches("joined");
    stage.environment.advance(9_999);
    second.cut();
    await until(() => client.seen.retries[0] === 1_000);
    const { peer: third } = await stage.comesBack(client);
    third.control({ c: "resumed", received: 0, done: 0, from: 1 });
    await client.reaches("joined");
    stage.environment.advance(10_000);
    third.cut();
    await until(() => client.seen.retries[0] === 500);
  });

  it("comes back when the bye of the server says", async () => {
    const { client, peer } = await stage.joined();
    peer.control({ c: "bye", code: 1012, reason: "Restart", after: 7_000 });
    await client.reaches("away");
    expect(client.status).to.deep.equal({ state: "away", retryInMs: 7_250 });
    const { resume } = await stage.comesBack(client);
    expect(resume).to.include({ try: 1 });
    expect(await peer.closed).to.include({ code: 3990 });
  });

  it("gives an attempt up after 10 s without hello", async () => {
    const client = stage.raw();
    const peer = await stage.server.peer();
    stage.environment.advance(9_999);
    await nextTurn();
    stage.environment.advance(1);
    await peer.closed;
    stage.environment.advance(250);
    await stage.welcome(client);
  });

  it("gives up a token that does not come in 10 s, and ignores it when it comes", async () => {
    const answers: ((token: string) => void)[] = [];
    const client = stage.raw({ token: () => new Promise((resolve) => answers.push(resolve)) });
    await until(() => answers.length === 1);
    stage.environment.advance(10_250);
    await until(() => answers.length === 2);
    answers[0]?.("late");
    answers[1]?.("");
    await stage.welcome(client);
    expect(stage.server.upgrades).to.equal(1);
  });

  it("connects to the path of the address with its query", async () => {
    const client = stage.raw({ url: `${stage.server.url}/ws/system?a=1#part` });
    const { request } = await stage.welcome(client);
    expect(request.url).to.equal("/ws/system?a=1");
  });

  it("connects over TLS to an https address", () => {
    const urls: string[] = [];
    class Recorder {
      constructor(url: string) {
        urls.push(url);
      }
      send() {}
      close() {}
    }
    stage.raw({ url: new URL("https://example.com/a"), WebSocket: Recorder });
    return until(() => urls.length === 1).then(() => expect(urls).to.deep.equal(["wss://example.com/a"]));
  });

  it("refuses to be created without an address or a WebSocket", () => {
    expect(() => connect({} as { url: string })).to.throw(TypeError, "ws: url");
    for (const url of ["no address", "localhost:8080", "/ws/room", "file:///page.html"])
      expect(() => connect({ url }), url).to.throw(TypeError, "ws: url");
    if (!("WebSocket" in globalThis))
      expect(() => connect({ url: "ws://localhost" })).to.throw(TypeError, "WebSocket");
  });
});
