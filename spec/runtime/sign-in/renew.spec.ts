import { expect } from "chai";
import { createRuntime, type Guard, type Refusal, type Renew, type Runtime } from "greenroom";
import { type Communicator, communicate } from "greenroom/testing";
import type { SimulatedClock } from "xstate";
import { wallTimeOf } from "../../../layers/clock.ts";
import { nextTurn } from "../../support/next-turn.ts";
import { serve, stopServing, unlessByMachine } from "../../support/serving.ts";
import { CountedTimers } from "../support/counted-timers.ts";
import { SessionClient } from "../support/session-client.ts";
import { Member, TokenGuard, type User } from "../support/signed-in.ts";

const minute = 60_000;
const hour = 60 * minute;

describe("The renewal of a sign-in", () => {
  let tokens: TokenGuard;
  let clock: SimulatedClock;
  let runtime: Runtime<Record<never, never>>;
  let failures: unknown[];

  beforeEach(() => {
    tokens = new TokenGuard();
    clock = tokens.clock;
    failures = [];
    runtime = createRuntime({
      layers: {},
      clock,
      onError: unlessByMachine((error, { stage }) => failures.push([stage, (error as Error).message])),
    });
  });
  afterEach(async () => {
    await runtime.close();
    await stopServing();
  });

  async function connected(
    token: string,
    guards: readonly Guard<User>[] = [tokens.guard],
  ): Promise<Communicator> {
    const client = communicate(Member, { runtime, session: true, token, guards, path: "/members" });
    expect(await client.connect()).to.include({ accepted: true });
    return client;
  }

  /** Lets time pass until the server asks. Returns the time that is left then, in milliseconds. */
  function asked(client: Communicator): number {
    for (let waits = 0; client.renewInMs === undefined && waits < 10_000; waits += 1) clock.increment(500);
    return client.renewInMs ?? Number.NaN;
  }

  async function renew(client: Communicator, token: string): Promise<void> {
    client.renew(token);
    await client.settle();
  }

  it("is asked for in the last quarter, at least 10 s and at most 5 min before the end, at random times", async () => {
    for (const [seconds, earliest, latest] of [
      [3_600, 300, 150],
      [600, 150, 75],
      [100, 25, 12.5],
      [60, 20, 10],
      [20, 10, 5],
      [4, 2, 1],
    ] as const) {
      const times = new Set<number>();
      for (let n = 0; n < 30; n += 1) {
        const client = await connected(`ada ${seconds}`);
        const leftMs = asked(client);
        expect(leftMs).to.be.within(latest * 1_000 - 500, earliest * 1_000);
        times.add(leftMs);
        await client.disconnect();
      }
      expect(times.size).to.be.greaterThan(1);
    }
  });

  it("moves the end, again and again", async () => {
    const ada = await connected("ada 3600");
    for (let n = 1; n <= 5; n += 1) {
      asked(ada);
      await renew(ada, `ada ${3_600 + n}`);
    }
    expect(tokens.renewed).to.deep.equal([1, 2, 3, 4, 5].map((n) => `ada ${3_600 + n}`));
    expect(tokens.paths[0]).to.equal("/members");
    ada.send("echo hello");
    expect(await ada.receive()).to.equal("ada: hello");
    clock.increment(3_605_000);
    expect(await ada.closed).to.include({ code: 3401 });
    expect(failures).to.deep.equal([]);
  });

  it("leaves no timer behind", async () => {
    const counted = new CountedTimers();
    const other = new TokenGuard(counted);
    const own = createRuntime({ layers: {}, clock: counted });
    const before = counted.pending;
    const client = communicate(Member, {
      runtime: own,
      session: true,
      token: "ada 60",
      guards: [other.guard],
    });
    await client.connect();
    for (let n = 0; n < 5; n += 1) {
      while (client.renewInMs === undefined) counted.increment(500);
      await renew(client, "ada 60");
    }
    client.blink();
    await client.resume();
    await client.disconnect();
    expect(counted.pending).to.equal(before);
    await own.close();
  });

  it("may make a sign-in last for ever", async () => {
    const renew: Renew<User> = () => ({ user: { id: "ada" } });
    const ada = await connected("", [
      () => ({ user: { id: "ada" }, expiresAt: wallTimeOf(clock) + hour, renew }),
    ]);
    asked(ada);
    ada.renew("");
    await ada.settle();
    for (let n = 0; n < 48; n += 1) clock.increment(hour);
    await ada.settle();
    expect(ada.renewInMs).to.equal(undefined);
    expect(Member.log).to.deep.equal([]);
  });

  it("that comes with an end in the past closes with 3401", async () => {
    const ada = await connected("ada 60");
    asked(ada);
    ada.renew("ada -1");
    clock.increment(0);
    await nextTurn();
    clock.increment(1);
    expect(await ada.closed).to.deep.equal({ code: 3401, reason: "The sign-in has expired" });
  });

  it("closes with 3403 for another user, and for a user without a key", async () => {
    const nameless: Renew<User> = () => ({ user: { size: 1n } as unknown as User });
    for (const renew of [nameless, (() => ({ user: { id: "bob" } })) as Renew<User>]) {
      const client = await connected("", [
        () => ({ user: { id: "ada" }, expiresAt: wallTimeOf(clock) + minute, renew }),
      ]);
      asked(client);
      client.renew("");
      expect(await client.closed).to.deep.equal({ code: 3403, reason: "The token belongs to another user" });
    }
    // Without a key, nothing tells that it is the same user.
    const both: Guard<User> = () => ({
      user: { size: 1n } as unknown as User,
      expiresAt: wallTimeOf(clock) + minute,
      renew: nameless,
    });
    const { guard } = tokens;
    const client = await connected("ada 3600", [both, guard]);
    asked(client);
    client.renew("");
    expect(await client.closed).to.include({ code: 3403 });
  });

  for (const status of [401, 403, 429, 503]) {
    it(`that is refused closes with ${3_000 + status}`, async () => {
      const ada = await connected("ada 60");
      asked(ada);
      ada.renew(`${status}`);
      expect(await ada.closed).to.deep.equal({ code: 3_000 + status, reason: "No" });
      expect(runtime.counters()).to.include({ expired: 0 });
    });
  }

  it("is asked for again after a failure and after silence, a few times, and then the sign-in expires", async () => {
    const ada = await connected("ada 3600");
    const lefts: number[] = [];
    for (let left = asked(ada); !Number.isNaN(left) && lefts.length < 20; left = asked(ada)) {
      lefts.push(left);
      if (lefts.length === 1) await renew(ada, "broken 1");
      else {
        // The client says nothing: it is asked again nevertheless.
        const repeated = ada.renewInMs;
        while (ada.renewInMs === repeated && runtime.size > 0) {
          clock.increment(500);
          await nextTurn();
        }
        if (runtime.size === 0) break;
        lefts.push(ada.renewInMs ?? 0);
        await renew(ada, `broken ${lefts.length}`);
      }
    }
    expect(lefts.length).to.be.within(4, 7);
    for (const [n, left] of lefts.slice(1).entries()) expect(left).to.be.closeTo((lefts[n] ?? 0) / 2, 1_000);
    expect(await ada.closed).to.include({ code: 3401 });
    expect(failures.every((failure) => (failure as string[])[0] === "renew")).to.equal(true);
  });

  it("has a time limit, and an outcome that comes later counts for nothing", async () => {
    const ada = await connected("ada 3600");
    asked(ada);
    ada.renew("never");
    await nextTurn();
    clock.increment(15_000);
    await ada.settle();
    expect(failures).to.deep.equal([["renew", "renew() had not settled after 15000 ms."]]);
    asked(ada);
    await renew(ada, "ada 3600");
    expect(tokens.renewed).to.deep.equal(["never", "ada 3600"]);
    expect(runtime.counters().expired).to.equal(0);
  });

  it("is not asked for while one is pending", async () => {
    const ada = await connected("ada 100");
    // At least 12.5 s are left. After half of the time, the next question would come.
    asked(ada);
    ada.renew("never");
    await nextTurn();
    for (let second = 0; second < 12; second += 1) clock.increment(1_000);
    expect(ada.renewInMs).to.equal(undefined);
  });

  it("that is pending at the end does not keep the connection", async () => {
    const ada = await connected("ada 12");
    asked(ada);
    ada.renew("never");
    await nextTurn();
    clock.increment(12_000);
    expect(await ada.closed).to.include({ code: 3401 });
    clock.increment(60_000);
    await nextTurn();
    expect(runtime.size).to.equal(0);
  });

  for (const verdict of [
    undefined,
    null,
    true,
    {},
    [],
    "ada",
    { status: 200, reason: "" },
    { user: 1, expiresAt: "x" },
  ]) {
    it(`fails if it returns ${JSON.stringify(verdict)}`, async () => {
      const guard: Guard<User> = () => ({
        user: { id: "ada" },
        expiresAt: wallTimeOf(clock) + minute,
        renew: (() => verdict) as unknown as Renew<User>,
      });
      const ada = await connected("", [guard]);
      asked(ada);
      await renew(ada, "x");
      expect(failures).to.have.length(1);
      expect(failures[0]).to.have.property("0", "renew");
      expect(runtime.size).to.equal(1);
    });
  }

  it("concerns the guard whose sign-in ends first", async () => {
    const calls: string[] = [];
    const of = (name: string, seconds: number): Guard<User> => {
      const verdict = () => ({
        user: { id: name },
        expiresAt: wallTimeOf(clock) + seconds * 1_000,
        renew: () => {
          calls.push(name);
          return verdict();
        },
      });
      return verdict;
    };
    const both = await connected("", [of("long", 1_000), of("short", 400)]);
    for (let n = 0; n < 4; n += 1) {
      asked(both);
      await renew(both, "x");
    }
    expect(calls).to.deep.equal(["short", "short", "long", "short"]);
  });

  it("is not asked for, and ignores tokens, if no guard renews", async () => {
    const ada = await connected("", [() => ({ user: { id: "ada" }, expiresAt: wallTimeOf(clock) + hour })]);
    clock.increment(hour - 1);
    await ada.settle();
    expect(ada.renewInMs).to.equal(undefined);
    await renew(ada, "x".repeat(4_096));
    clock.increment(1);
    expect(await ada.closed).to.include({ code: 3401 });
  });

  it("is asked for again by the guards of the request with which a client came back", async () => {
    const ada = await connected("ada 60");
    clock.increment(15_000);
    ada.blink();
    expect(await ada.resume()).to.include({ resumed: true });
    expect(ada.renewInMs).to.equal(undefined);
    expect(asked(ada)).to.be.within(10_000 - 500, 20_000);
    await renew(ada, "ada 60");
    expect(runtime.counters().expired).to.equal(0);
  });

  it("that is under way when the client comes back counts for nothing", async () => {
    let settle: (verdict: Refusal) => void = () => {};
    const pending = new Promise<Refusal>((resolve) => {
      settle = resolve;
    });
    const guard: Guard<User> = () => ({
      user: { id: "ada" },
      expiresAt: wallTimeOf(clock) + minute,
      renew: () => pending,
    });
    const ada = await connected("", [guard]);
    asked(ada);
    ada.renew("x");
    await nextTurn();
    ada.blink();
    expect(await ada.resume()).to.include({ resumed: true });
    settle({ status: 403, reason: "No" });
    await ada.settle();
    expect(runtime.size).to.equal(1);
  });
});

describe("A client that attacks the renewal", () => {
  afterEach(stopServing);

  async function attacked(token = "ada 60") {
    const tokens = new TokenGuard();
    const { clock } = tokens;
    const serving = await serve({ layers: {}, clock, guards: [tokens.guard] });
    serving.runtime.route("/ws", Member);
    const open = async (text: string) => {
      const client = await SessionClient.open(`${serving.url}/ws`, [
        `greenroom.token.${Buffer.from(text).toString("base64url")}`,
      ]);
      expect(await client.nextControl()).to.have.property("c", "hello");
      return client;
    };
    const client = await open(token);
    const question = async () => {
      clock.increment(51_000);
      const { inMs, ...rest } = await client.nextControl();
      expect(rest).to.deep.equal({ c: "renew" });
      expect(inMs).to.be.within(1, 9_000);
    };
    return { ...serving, tokens, clock, client, open, question };
  }

  it("cannot make the server check more than one token for each question", async () => {
    const { client, open, tokens, question, failures } = await attacked();
    const bystander = await open("bob 3600");
    for (let n = 0; n < 1_000; n += 1) client.control({ c: "renew", token: `broken ${n}` });
    client.send("echo one");
    expect(await client.next()).to.equal("ada: one");
    expect(tokens.renewed).to.deep.equal([]);
    expect(await client.nextControl()).to.have.property("c", "ack");
    await question();
    for (let n = 0; n < 1_000; n += 1) client.control({ c: "renew", token: "broken ".padEnd(4_096, "x") });
    client.send("echo two");
    expect(await client.next()).to.equal("ada: two");
    expect(tokens.renewed).to.have.length(1);
    expect(failures).to.have.length(1);
    bystander.send("echo mine");
    expect(await bystander.next()).to.equal("bob: mine");
  });

  it("is closed with 1002 for a token that is too long, or no text", async () => {
    for (const token of ["x".repeat(4_097), "é".repeat(2_049), 7, null, undefined, {}, ["x"]]) {
      const { client, runtime } = await attacked();
      client.forge({ c: "renew", token });
      expect(await client.closed).to.deep.equal({ code: 1002, reason: "Malformed renew" });
      await runtime.close();
    }
  });

  it("gets nothing with the token of another user", async () => {
    const { client, question } = await attacked();
    await question();
    client.control({ c: "renew", token: "bob 3600" });
    expect((await client.rest()).slice(-2)).to.deep.equal([
      { c: "bye", code: 3403, reason: "The token belongs to another user", after: null },
      3403,
    ]);
  });

  it("cannot use renew as the first frame of a resumption", async () => {
    const { url } = await attacked();
    const client = await SessionClient.open(`${url}/ws`, [
      "greenroom.resume",
      `greenroom.token.${Buffer.from("ada 60").toString("base64url")}`,
    ]);
    client.control({ c: "renew", token: "ada 60" });
    expect(await client.closed).to.include({ code: 1002 });
  });
});
