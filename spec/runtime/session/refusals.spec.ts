import { expect } from "chai";
import { originGuard, type Scope, WebSocketConsumer } from "greenroom";
import { until } from "../../layers/support/until.ts";
import { Client } from "../../support/client.ts";
import { gate } from "../../support/gate.ts";
import { nextTurn } from "../../support/next-turn.ts";
import { stopServing } from "../../support/serving.ts";
import { SessionClient } from "../support/session-client.ts";
import { Recorder, start } from "../support/session-rig.ts";

/** All frames of a client that is refused. */
async function refusal(url: string, protocols: string[] = []) {
  return (await SessionClient.open(url, protocols)).rest();
}

const bye = (status: number, reason: string, after: number | null) => [
  { c: "bye", code: 3_000 + status, reason, after },
  3_000 + status,
];

describe("The upgrade of a client with sessions", () => {
  afterEach(stopServing);

  it("is refused inside the socket by a guard, for a fresh session and for a resume", async () => {
    const calls: string[] = [];
    const guard = (scope: Scope) => {
      calls.push(scope.path);
      return { status: 401, reason: "Sign in first" };
    };
    const { url, runtime } = await start({ guards: [guard] });
    expect(await refusal(url)).to.deep.equal(bye(401, "Sign in first", null));
    expect(await refusal(url, ["greenroom.resume"])).to.deep.equal(bye(401, "Sign in first", null));
    expect(calls).to.deep.equal(["/ws", "/ws"]);
    expect(runtime.counters().refused).to.equal(2);
    expect(await Client.refused(url)).to.deep.equal({ status: 401, body: "Sign in first" });
    expect(runtime.size).to.equal(0);
  });

  for (const [status, headers, after] of [
    [429, { "Retry-After": 7 }, 7_000],
    [429, { "retry-after": "0.5" }, 500],
    [429, { "Retry-After": 1.005 }, 1_005],
    [429, { "Retry-After": 0.0001 }, 0],
    [503, { "Retry-After": 1e300 }, Number.MAX_SAFE_INTEGER],
    [503, { "Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT" }, 0],
    [500, {}, 0],
    [403, { "Retry-After": 7 }, null],
    [303, { Location: "/" }, null],
  ] as const) {
    it(`tells when to come back: ${status} with ${JSON.stringify(headers)}`, async () => {
      const { url } = await start({ guards: [() => ({ status, reason: "no", headers })] });
      expect(await refusal(url)).to.deep.equal(bye(status, "no", after));
    });
  }

  it("cuts the reason of the close frame, but not of bye", async () => {
    const reason = "\u00e9".repeat(100);
    const { url } = await start({ guards: [() => ({ status: 400, reason })] });
    const client = await SessionClient.open(url);
    expect(await client.nextControl()).to.include({ reason });
    expect((await client.closed).reason).to.equal("\u00e9".repeat(61));
  });

  it("is refused inside the socket by the parameters, the consumer, and its failure", async () => {
    class Picky extends Recorder {
      override async connect() {
        if (this.scope.query.has("fail")) throw new Error("thrown");
        this.reject(409, "Not now");
      }
    }
    const { url, runtime, failures } = await start({}, Picky);
    runtime.route("/room/:id", Recorder as never);
    const malformed = "The path has a malformed escape sequence";
    expect(await refusal(url.replace("/ws", "/room/%ZZ"))).to.deep.equal(bye(400, malformed, null));
    expect(await refusal(url)).to.deep.equal(bye(409, "Not now", null));
    expect(await refusal(`${url}?fail`)).to.deep.equal(bye(500, "Internal error", 0));
    await until(() => runtime.size === 0);
    expect(failures).to.have.length(1);
  });

  it("is refused with 503 past the deadline, of a guard or of connect", async () => {
    const pending = gate();
    class Slow extends WebSocketConsumer {
      override connect() {
        return pending.opened;
      }
    }
    const guard = (scope: Scope) => (scope.query.has("guard") ? pending.opened : undefined);
    const { url, clock, runtime } = await start({ guards: [guard], connectTimeoutMs: 100 }, Slow);
    const reason = "Connecting took too long";
    for (const query of ["", "?guard"]) {
      const client = new SessionClient(`${url}${query}`, ["greenroom.v1"]);
      await until(() => {
        clock.increment(100);
        return client.websocket.readyState > 0;
      });
      expect(await client.rest()).to.deep.equal(bye(503, reason, 0));
    }
    pending.open();
    await until(() => runtime.size === 0);
  });

  it("is refused with 503 on drain, with a time to come back", async () => {
    const pending = gate();
    const guard = (scope: Scope) => (scope.query.has("guard") ? pending.opened : undefined);
    class Lasting extends Recorder {
      override disconnect() {
        return pending.opened;
      }
    }
    const { url, runtime, server } = await start({ guards: [guard] }, Lasting);
    const client = await SessionClient.open(url);
    const guarded = new SessionClient(`${url}?guard`, ["greenroom.v1"]);
    await new Promise((resolve) => server.once("upgrade", resolve));
    await nextTurn();
    const closing = runtime.close();
    const reason = "The server is shutting down";
    expect(await guarded.rest()).to.deep.equal(bye(503, reason, 0));
    expect(await refusal(url)).to.deep.equal(bye(503, reason, 0));
    expect(await refusal(url, ["greenroom.resume"])).to.deep.equal(bye(503, reason, 0));
    expect(await Client.refused(url)).to.include({ status: 503 });
    pending.open();
    await closing;
    await client.closed;
  });

  it("is refused by plain HTTP for a foreign origin, and without a route", async () => {
    const { url } = await start({ guards: [originGuard()] });
    const statusOf = async (address: string, origin?: string) => {
      const options = origin === undefined ? {} : { origin };
      const { websocket } = new Client(address, ["greenroom.v1"], options);
      return new Promise((resolve) => {
        websocket.once("unexpected-response", (_, response) => resolve(response.statusCode));
        websocket.once("open", () => resolve("open"));
      });
    };
    expect(await statusOf(url, "http://evil.example")).to.equal(403);
    expect(await statusOf(url.replace("/ws", "/nowhere"))).to.equal(404);
    expect(await statusOf(url, url.replace("/ws", ""))).to.equal("open");
  });

  describe("when it is accepted", () => {
    class Chooser extends Recorder {
      static readonly scopes: Scope[] = [];
      override async connect() {
        Chooser.scopes.push(this.scope as Scope);
        const [subprotocol] = this.scope.subprotocols;
        const headers = { "Set-Cookie": "seen=1" };
        await this.accept({ headers, ...(subprotocol !== undefined && { subprotocol }) });
      }
    }

    it("always chooses greenroom.v1, and tells the choice of the consumer in hello", async () => {
      const { url } = await start({}, Chooser);
      const client = new SessionClient(url, ["greenroom.v1", "greenroom.token.YWJj", "chat.v2", "chat.v1"]);
      const headers = await new Promise((resolve) => {
        client.websocket.once("upgrade", (response) => resolve(response.headers));
      });
      expect(headers).to.deep.include({ "set-cookie": ["seen=1"], "sec-websocket-protocol": "greenroom.v1" });
      expect(await client.nextControl()).to.include({ c: "hello", protocol: "chat.v2" });
      expect(Chooser.scopes.at(-1)).to.deep.include({ subprotocols: ["chat.v2", "chat.v1"], token: "abc" });
    });

    it("gives the token to guards, also of a plain client, and drops one that is too long", async () => {
      const tokens: unknown[] = [];
      const { url } = await start({ guards: [({ token }: Scope) => void tokens.push(token)] });
      const token = (length: number) => `greenroom.token.${"YWJj".repeat(length / 4)}`;
      await SessionClient.open(url, [token(4_096)]);
      await SessionClient.open(url, [token(4_100)]);
      await SessionClient.open(url);
      expect(tokens).to.deep.equal(["abc".repeat(1_024), undefined, undefined]);
    });
  });

  describe("to a consumer that refuses sessions", () => {
    class Plain extends Recorder {
      static override readonly session = false;
    }

    it("has a hello without a session, no acks, and ends with its socket", async () => {
      const { url, runtime, sessions } = await start({}, Plain);
      const client = await SessionClient.open(url);
      expect(await client.nextControl()).to.deep.equal({
        c: "hello",
        resumeMs: 0,
        maxBytes: 0,
        maxPayload: 65_536,
        window: 64,
        beatMs: 25_000,
      });
      client.send("echo one");
      client.control({ c: "ack", n: 77 });
      client.control({ c: "beat" });
      expect(await client.next()).to.equal("one");
      expect(await client.nextControl()).to.deep.equal({ c: "beat" });
      expect([sessions.size, sessions.frames.bytes]).to.deep.equal([0, 0]);
      client.cut();
      await until(() => runtime.size === 0);
      expect(Recorder.log).to.deep.equal(["echo one", ["disconnect", 1006, "client"]]);
      expect(sessions.size).to.equal(0);
    });

    it("says bye, and keeps nothing", async () => {
      const { url, sessions } = await start({}, Plain);
      const client = await SessionClient.open(url);
      await client.nextControl();
      client.send("close 4001");
      expect(await client.rest()).to.deep.equal([
        { c: "bye", code: 4001, reason: "enough", after: null },
        4001,
      ]);
      expect([sessions.size, sessions.frames.bytes]).to.deep.equal([0, 0]);
    });
  });
});
