import type { AddressInfo } from "node:net";
import { expect } from "chai";
import { WebSocket } from "ws";
import type { Environment } from "../../client/environment.ts";
import { rawClient } from "../../client/raw-client.ts";
import { until } from "../layers/support/until.ts";
import { sessionsOf } from "../runtime/support/session-rig.ts";
import { Member, TokenGuard } from "../runtime/support/signed-in.ts";
import { gate } from "../support/gate.ts";
import { Lines } from "../support/lines.ts";
import { nextTurn } from "../support/next-turn.ts";
import { serve, stopServing } from "../support/serving.ts";

/** Comes back after short delays. */
const soon: Environment = Object.assign(Object.create(globalThis), { Math: { random: () => 0.01 } });

describe("The renewal of a sign-in between a client and a server", () => {
  let tokens: TokenGuard;
  let lines: Lines;
  let calls: number;
  let serving: Awaited<ReturnType<typeof serve>>;

  beforeEach(async () => {
    tokens = new TokenGuard();
    calls = 0;
    serving = await serve({ layers: {}, clock: tokens.clock, guards: [tokens.guard] });
    serving.runtime.route("/ws", Member as never);
    lines = await Lines.to((serving.server.address() as AddressInfo).port);
  });
  afterEach(async () => {
    await lines.close();
    await stopServing();
  });

  /** A client whose tokens are those of `next`. */
  async function connected(next: (call: number) => string | Promise<string>) {
    const token = () => {
      calls += 1;
      return next(calls);
    };
    const client = rawClient({ url: `http://127.0.0.1:${lines.port}/ws`, WebSocket, token }, soon);
    const errors: unknown[] = [];
    client.onError((error) => errors.push(error));
    await until(() => client.status.state === "joined");
    return { client, errors };
  }

  it("keeps a connection for longer than any of its tokens, over one session", async () => {
    const { client } = await connected((call) => `ada ${3_600 + call}`);
    const gaps: unknown[] = [];
    client.onGap((gap) => gaps.push(gap));
    for (let renewals = 1; renewals <= 10; renewals += 1) {
      tokens.clock.increment(59 * 60_000);
      await until(() => tokens.renewed.length === renewals);
      await client.send("echo hello");
    }
    expect(calls).to.equal(11);
    expect(gaps).to.deep.equal([]);
    expect(serving.runtime.counters()).to.include({ expired: 0, resumed: 0 });
    await client.close();
  });

  it("goes on if the line is cut at any moment of it", async () => {
    for (const cut of ["before the question", "before the answer", "after the answer"]) {
      const { client, errors } = await connected(() => "ada 3600");
      const before = tokens.renewed.length;
      if (cut === "before the question") lines.newest?.hold("down");
      if (cut === "before the answer") lines.newest?.hold("up");
      tokens.clock.increment(59 * 60_000);
      if (cut === "after the answer") await until(() => tokens.renewed.length > before);
      await nextTurn();
      lines.newest?.cut();
      await client.send("echo hello");
      tokens.clock.increment(30 * 60_000);
      await client.send("echo hello");
      expect([client.status.state, errors], cut).to.deep.equal(["joined", []]);
      await client.close();
      await until(() => serving.runtime.size === 0);
    }
    expect(serving.runtime.counters().expired).to.equal(0);
  });

  it("ends with the status 401 if the client has no new token", async () => {
    const { client, errors } = await connected((call) => {
      if (call > 1) throw new Error("signed out");
      return "ada 3600";
    });
    tokens.clock.increment(59 * 60_000);
    await until(() => errors.length > 0);
    tokens.clock.increment(60_000);
    await until(() => client.status.state === "closed");
    expect(client.status).to.deep.equal({
      state: "closed",
      code: 3401,
      reason: "The sign-in has expired",
      status: 401,
    });
    expect(calls).to.be.within(2, 4);
    expect(serving.runtime.counters()).to.include({ expired: 1 });
  });

  it("ends with the status 403 if the client has become another user", async () => {
    const { client } = await connected((call) => (call > 1 ? "bob 3600" : "ada 3600"));
    tokens.clock.increment(59 * 60_000);
    await until(() => client.status.state === "closed");
    expect(client.status).to.include({ code: 3403, status: 403 });
  });

  it("that ends while the client is away makes it begin anew, with a new token", async () => {
    const isOver = gate();
    const { client } = await connected((call) =>
      call === 1 ? "ada 30" : isOver.opened.then(() => "ada 3600"),
    );
    const gaps: unknown[] = [];
    client.onGap((gap) => gaps.push(gap));
    lines.newest?.cut();
    await until(() => sessionsOf(serving).awayCount === 1);
    tokens.clock.increment(30_000);
    isOver.open();
    await until(() => gaps.length > 0);
    expect(gaps).to.deep.equal([{ fresh: true, missed: 0 }]);
    await client.send("echo hello");
    await client.close();
  });
});
