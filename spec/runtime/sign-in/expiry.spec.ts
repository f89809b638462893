import { expect } from "chai";
import { createRuntime, type Guard, type Layers, type RuntimeOptions } from "greenroom";
import { type Communicator, communicate } from "greenroom/testing";
import { SimulatedClock } from "xstate";
import { wallTimeOf } from "../../../layers/clock.ts";
import { until } from "../../layers/support/until.ts";
import { Client } from "../../support/client.ts";
import { gate } from "../../support/gate.ts";
import { serve, stopServing } from "../../support/serving.ts";
import { CountedTimers } from "../support/counted-timers.ts";
import { SessionClient } from "../support/session-client.ts";
import { Member, TokenGuard, type User } from "../support/signed-in.ts";

const expired = { code: 3401, reason: "The sign-in has expired" };

describe("A connection whose sign-in expires", () => {
  let tokens: TokenGuard;
  let clock: SimulatedClock;
  let runtimes: { close(): Promise<void> }[];

  beforeEach(() => {
    tokens = new TokenGuard();
    clock = tokens.clock;
    runtimes = [];
  });
  afterEach(async () => {
    for (const runtime of runtimes) await runtime.close();
    await stopServing();
  });

  function start(options: Partial<RuntimeOptions<Layers>> = {}) {
    const runtime = createRuntime({ layers: {}, clock, onError: () => {}, ...options });
    runtimes.push(runtime);
    return runtime;
  }

  function client(
    token: string,
    { session = false, runtime = start(), guards = [tokens.guard] as readonly Guard<User>[] } = {},
  ): Communicator {
    return communicate(Member, { runtime, session, token, guards });
  }

  for (const session of [false, true]) {
    const name = session ? "with a session" : "with a plain WebSocket";

    it(`closes with 3401 at its end, and not before: ${name}`, async () => {
      const runtime = start();
      const ada = client("ada 60", { session, runtime });
      await ada.connect();
      clock.increment(59_999);
      ada.send("echo hello");
      expect(await ada.receive()).to.equal("ada: hello");
      clock.increment(1);
      expect(await ada.closed).to.deep.equal(expired);
      await ada.disconnect();
      expect(Member.log).to.deep.equal([["disconnect", 3401, "runtime", expired.reason]]);
      expect(runtime.counters()).to.include({ expired: 1, refused: 0 });
    });

    it(`closes while a handler runs, which goes on: ${name}`, async () => {
      const ada = client("ada 60", { session });
      await ada.connect();
      ada.send("hold");
      clock.increment(60_000);
      expect(await ada.closed).to.deep.equal(expired);
      expect(Member.log).to.deep.equal([]);
      Member.hold.open();
      await ada.disconnect();
      expect(Member.log).to.deep.equal(["held", ["disconnect", 3401, "runtime", expired.reason]]);
    });

    it(`is refused with 401 if the end comes before the consumer accepts: ${name}`, async () => {
      const connected = gate();
      Member.connecting = connected.opened;
      const runtime = start();
      const ada = client("ada 5", { session, runtime });
      const answer = ada.connect();
      await until(() => runtime.size === 1);
      clock.increment(5_000);
      expect(await answer).to.include({ accepted: false, status: 401, reason: expired.reason });
      expect(runtime.counters()).to.include({ expired: 1, refused: 1 });
      expect(runtime.counters().refusals).to.deep.include({ guard: { 401: 1 }, consumer: {} });
      connected.open();
    });

    it(`is refused with 401 if the end has passed: ${name}`, async () => {
      for (const seconds of [0, -1, -1e9]) {
        const runtime = start();
        const answer = await client(`ada ${seconds}`, { session, runtime }).connect();
        expect(answer).to.include({ accepted: false, status: 401, reason: expired.reason });
        expect(runtime.counters()).to.include({ expired: 0, refused: 1 });
      }
    });
  }

  it("ends while its client is away, and the client begins another session", async () => {
    const runtime = start();
    const ada = client("ada 30", { session: true, runtime });
    await ada.connect();
    ada.blink();
    Member.current.send("kept");
    clock.increment(30_000);
    await until(() => runtime.size === 0);
    expect(Member.log).to.deep.equal([["disconnect", 3401, "runtime", expired.reason]]);
    expect(runtime.counters()).to.deep.include({ expired: 1 });
    expect(runtime.counters().dropped.away).to.equal(1);
    expect(await ada.resume()).to.deep.equal({
      resumed: false,
      code: 3993,
      reason: "The sign-in has expired",
      missed: 1,
    });
  });

  it("lasts as long as the guards say when its client comes back", async () => {
    let seconds = 30;
    const guard: Guard<User> = () => ({
      user: { id: "ada" },
      expiresAt: wallTimeOf(clock) + seconds * 1_000,
    });
    const ada = client("", { session: true, guards: [guard] });
    await ada.connect();
    clock.increment(20_000);
    ada.blink();
    seconds = 100;
    expect(await ada.resume()).to.include({ resumed: true });
    clock.increment(99_999);
    await ada.settle();
    expect(Member.log).to.deep.equal([]);
    ada.blink();
    seconds = 10;
    expect(await ada.resume()).to.include({ resumed: true });
    clock.increment(10_000);
    expect(await ada.closed).to.deep.equal(expired);
  });

  it("lasts for ever if the guards say so when its client comes back", async () => {
    const expiresAt: (number | undefined)[] = [wallTimeOf(clock) + 30_000, undefined];
    const guard: Guard<User> = () => ({ user: { id: "ada" }, expiresAt: expiresAt.shift() });
    const ada = client("", { session: true, guards: [guard] });
    await ada.connect();
    ada.blink();
    expect(await ada.resume()).to.include({ resumed: true });
    for (let hour = 0; hour < 24; hour += 1) clock.increment(3_600_000);
    await ada.settle();
    expect(Member.log).to.deep.equal([]);
  });

  it("does not come back with a token that has expired", async () => {
    const end = wallTimeOf(clock) + 30_000;
    const guard: Guard<User> = () => ({ user: { id: "ada" }, expiresAt: end });
    const runtime = start();
    const ada = client("", { session: true, runtime, guards: [guard] });
    await ada.connect();
    ada.blink();
    clock.increment(30_000);
    expect(await ada.resume()).to.include({ resumed: false, code: 3401, reason: expired.reason });
    expect(await ada.closed).to.deep.equal(expired);
  });

  it("ends with the first of several guards", async () => {
    const until = (seconds: number): Guard<User> =>
      (() => ({
        user: { id: "ada" },
        expiresAt: new Date(wallTimeOf(clock) + seconds * 1_000),
      })) as Guard<User>;
    const ada = client("", { guards: [until(60), until(20), until(40)] });
    await ada.connect();
    clock.increment(19_000);
    await ada.settle();
    expect(Member.log).to.deep.equal([]);
    clock.increment(1_000);
    expect(await ada.closed).to.deep.equal(expired);
  });

  it("is refused, and the error reported, if the end or `renew` is not one", async () => {
    for (const verdict of [
      { expiresAt: Number.NaN },
      { expiresAt: new Date("soon") },
      { expiresAt: Number.POSITIVE_INFINITY },
      { expiresAt: "2030-01-01" },
      { expiresAt: null },
      { expiresAt: {} },
      { expiresAt: Math.floor(Date.now() / 1_000) + 600 }, // the claim `exp` of a JWT
      { renew: () => ({ user: "ada" }) },
      { expiresAt: 1e15, renew: "yes" },
    ]) {
      const errors: unknown[] = [];
      const runtime = start({ onError: (error, { stage }) => void errors.push([stage, error]) });
      const guard = (() => ({ user: { id: "ada" }, ...verdict })) as unknown as Guard<User>;
      expect(await client("", { runtime, guards: [guard] }).connect()).to.include({ status: 500 });
      expect(errors).to.have.length(1);
      expect(errors[0]).to.have.property("0", "guard");
      expect(errors[0]).to.have.property("1").instanceOf(TypeError);
    }
  });

  it("may last longer than the timers of Node", async () => {
    const counted = new CountedTimers();
    const end = wallTimeOf(counted) + 30 * 86_400_000;
    const guard: Guard<User> = () => ({ user: { id: "ada" }, expiresAt: end });
    const runtime = start({ clock: counted });
    const ada = client("", { runtime, guards: [guard] });
    await ada.connect();
    for (let day = 0; day < 29; day += 1) counted.increment(86_400_000);
    await ada.settle();
    expect(Member.log).to.deep.equal([]);
    counted.increment(86_400_000);
    expect(await ada.closed).to.deep.equal(expired);
  });

  it("follows the wall clock if it jumps", async () => {
    // A clock without `now` has the wall time of the machine.
    const timers = new SimulatedClock();
    let wall = 0;
    const jumping = {
      setTimeout: (fn: () => void, ms: number) => timers.setTimeout(fn, ms),
      clearTimeout: (id: unknown) => timers.clearTimeout(id as number),
      now: () => timers.now() + wall,
    };
    const end = wallTimeOf(jumping) + 3_600_000;
    const guard: Guard<User> = () => ({ user: { id: "ada" }, expiresAt: end });
    const runtime = start({ clock: jumping });
    const ada = client("", { runtime, guards: [guard] });
    await ada.connect();
    wall = 3_600_000;
    timers.increment(33_000);
    expect(await ada.closed).to.deep.equal(expired);
  });

  it("shares its timers with all others, and leaves none behind", async () => {
    const counted = new CountedTimers();
    const runtime = start({ clock: counted });
    const before = counted.pending;
    const guard: Guard<User> = () => ({
      user: { id: "ada" },
      expiresAt: wallTimeOf(counted) + 1_000 + Math.floor(Math.random() * 60_000),
    });
    const clients = Array.from({ length: 200 }, () => client("", { runtime, guards: [guard] }));
    for (const one of clients) await one.connect();
    expect(counted.pending - before).to.be.within(1, 16);
    for (const one of clients) await one.disconnect();
    expect(counted.pending).to.equal(before);
  });

  it("has no timer if the guards name no end", async () => {
    const counted = new CountedTimers();
    const runtime = start({ clock: counted });
    const before = counted.pending;
    const ada = client("", { runtime, guards: [() => ({ user: { id: "ada" } })] });
    await ada.connect();
    expect(counted.pending).to.equal(before);
  });

  it("closes real sockets with 3401, and a session gets bye before", async () => {
    const { runtime, url } = await serve({ layers: {}, clock, guards: [tokens.guard] });
    runtime.route("/ws", Member);
    const token = `greenroom.token.${Buffer.from("ada 60").toString("base64url")}`;
    const session = await SessionClient.open(`${url}/ws`, [token]);
    await session.nextControl();
    const plain = await Client.open(`${url}/ws`, [], { headers: { "x-token": "ada 60" } });
    clock.increment(60_000);
    expect(await plain.closed).to.deep.equal(expired);
    expect((await session.rest()).slice(-2)).to.deep.equal([
      { c: "bye", ...expired, after: null },
      expired.code,
    ]);
    expect((await fetch(`${url}/ws`)).status).to.equal(401);
  });
});
