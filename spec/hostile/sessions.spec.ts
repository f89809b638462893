import { expect } from "chai";
import { controlText, mark } from "../../protocol/control-frames.ts";
import { until } from "../layers/support/until.ts";
import { SessionClient } from "../runtime/support/session-client.ts";
import { destroyRawWebSockets, encodeFrame, Opcode, RawWebSocket } from "../support/raw-websocket.ts";
import { stopServing } from "../support/serving.ts";
import { resumeNothing, startAttack } from "./support/session-attack.ts";

/** The lines of what a server would say. */
const forged = [
  `${mark}{"c":"bye","code":1000,"reason":"","after":null}`,
  `${mark}{"c":"ack","n":1000}`,
  `${mark}{"c":"skip","n":1000}`,
  `${mark}{"c":"resumed","received":9,"done":9,"from":9}`,
  `${mark}{"c":"gone","code":3993,"reason":""}`,
  `${mark}${mark}{"c":"bye"}`,
  mark,
];

describe("A hostile client with sessions", () => {
  afterEach(async () => {
    await destroyRawWebSockets();
    await stopServing();
  });

  it("cannot forge control frames of others by what it writes into a room of texts", async () => {
    const { url, checkNothingLeft } = await startAttack();
    const members = [await SessionClient.open(url), await SessionClient.open(url)];
    for (const member of members) await member.nextControl();
    const [attacker, victim] = members as [SessionClient, SessionClient];
    for (const text of forged) attacker.send(mark + text);
    for (const text of forged) expect(await victim.next()).to.equal(mark + text);
    for (const member of members) member.control({ c: "bye" });
    for (const member of members) member.cut();
    await checkNothingLeft();
  });

  it("gets nothing for a session that it has guessed, or of a client on another path", async () => {
    const { url, runtime, session, checkNothingLeft } = await startAttack();
    const [node, secret = ""] = session.split(".");
    const guesses = [
      "",
      ".",
      `${node}.`,
      secret,
      `${session} `,
      session.toUpperCase(),
      session.slice(0, -1),
      `${session}A`,
      "__proto__",
      "constructor",
      "x".repeat(4_000),
      "\u0000",
    ];
    for (const guess of guesses) {
      const client = await SessionClient.resume(url, guess, 1, 0);
      expect((await client.closed).code, guess.slice(0, 100)).to.equal(3993);
    }
    expect(runtime.counters().resumed).to.equal(0);
    await checkNothingLeft();
  });

  it("makes no actor, and leaves nothing, by 300 resumes of sessions that do not exist", async () => {
    const { url, runtime, checkNothingLeft } = await startAttack();
    let largest = 0;
    const watching = setInterval(() => {
      largest = Math.max(largest, runtime.size);
    }, 1);
    await resumeNothing(url, 300, 20);
    clearInterval(watching);
    expect(largest).to.be.at.most(2);
    await checkNothingLeft();
  });

  it("ends only its own session by counts that cannot be", async () => {
    const { attack, checkNothingLeft } = await startAttack();
    const counts = [-1, 1, 0.1, 1e308, -0.5, 2 ** 53, "0", null, [], {}, true, "__proto__"];
    for (const n of counts) {
      const { client } = await attack();
      client.forge({ c: "ack", n });
      expect((await client.closed).code, JSON.stringify(n)).to.equal(1002);
    }
    await checkNothingLeft();
  });

  it("ends only its own session by frames that are too large or malformed", async () => {
    const { attack, url, checkNothingLeft } = await startAttack();
    const frames: readonly (readonly [string, number])[] = [
      ["x".repeat(70_000), 1009],
      [`${mark}{"c":"resume","session":"${"x".repeat(70_000)}"}`, 1009],
      [`${mark}${"[".repeat(60_000)}`, 1002],
      [`${mark}{"c":{"c":"bye"}}`, 1002],
      [`${mark}{"__proto__":{"c":"bye"}}`, 1002],
      [`${mark}\u0000`, 1002],
    ];
    for (const [frame, code] of frames) {
      const { client } = await attack();
      client.send(frame);
      expect((await client.closed).code, frame.slice(0, 30)).to.equal(code);
      const returning = await SessionClient.open(url, ["greenroom.resume"]);
      returning.send(frame);
      expect((await returning.closed).code, frame.slice(0, 30)).to.equal(code);
    }
    await checkNothingLeft();
  });

  it("ignores prototype names", async () => {
    const { attack, checkNothingLeft } = await startAttack();
    const { client } = await attack();
    for (const c of ["__proto__", "constructor", "toString", "hasOwnProperty", "then"])
      client.forge({ c, n: 1 });
    client.send(`${mark}{"c":"x","__proto__":{"c":"bye"}}`);
    client.send("echo alive");
    expect(await client.next()).to.equal("alive");
    client.control({ c: "bye" });
    client.cut();
    await checkNothingLeft();
  });

  it("is kept within maxBytes when it never acknowledges", async () => {
    const { attack, sessions, check, checkNothingLeft } = await startAttack();
    const { client } = await attack();
    for (let round = 0; round < 5; round += 1) {
      client.send("fill 10000");
      await client.take(100);
      expect(sessions.frames.bytes).to.be.below(1_048_576 + 200 * 108);
    }
    expect(sessions.frames.bytes).to.be.above(1_000_000);
    await check();
    client.control({ c: "bye" });
    client.cut();
    await checkNothingLeft();
  });

  it("ends its session by a flood of resumes on one socket", async () => {
    const { attack, url, checkNothingLeft } = await startAttack();
    const { client, session } = await attack();
    client.cut();
    const returning = await SessionClient.open(url, ["greenroom.resume"]);
    for (let attempt = 1; attempt <= 1_000; attempt += 1) {
      returning.control({ c: "resume", session, try: attempt, got: 0 });
    }
    expect((await returning.closed).code).to.equal(1002);
    await checkNothingLeft();
  });

  it("delays no other client by a flood of control frames", async () => {
    const { attack, check, checkNothingLeft } = await startAttack();
    const { client } = await attack();
    const beat = `${mark}{"c":"beat"}`;
    const ack = `${mark}{"c":"ack","n":0}`;
    for (let round = 0; round < 20; round += 1) {
      for (let n = 0; n < 500; n += 1) client.send(n % 2 === 0 ? beat : ack);
      await check();
    }
    for (let n = 0; n < 1_000; n += 1) client.control({ c: "bye" });
    client.cut();
    await checkNothingLeft();
  });

  it("cannot fill a mailbox by a new socket for each few frames", async () => {
    const { attack, url, runtime, checkNothingLeft, hold } = await startAttack();
    const { client, session } = await attack();
    client.send("hold");
    const frames = Buffer.concat(Array.from({ length: 160 }, () => encodeFrame(Opcode.text, "x")));
    let answer = "";
    let sockets = 0;
    while (!answer.includes("gone") && sockets < 100) {
      sockets += 1;
      const socket = await RawWebSocket.open(url, {
        "Sec-WebSocket-Protocol": "greenroom.v1, greenroom.resume",
      });
      const resume = controlText({ c: "resume", session, try: sockets, got: 0 });
      // In one write, so that the frames are in the buffer when the resume pauses the socket.
      socket.socket.write(Buffer.concat([encodeFrame(Opcode.text, resume), frames]));
      answer = String((await socket.next())?.payload);
    }
    // Each socket adds at most the frames of one read.
    expect(sockets).to.be.within(3, 30);
    hold.open();
    // The sockets do not answer close frames.
    await destroyRawWebSockets();
    await until(() => runtime.size === 2);
    await checkNothingLeft();
  });

  it("leaves nothing by sessions that are cut, resumed and cut again", async () => {
    const { attack, url, sessions, checkNothingLeft } = await startAttack();
    const { client, session } = await attack();
    client.cut();
    for (let attempt = 1; attempt <= 100; attempt += 1) {
      const again = await SessionClient.resume(url, session, attempt, 0);
      await again.nextControl();
      again.cut();
    }
    expect(sessions.size).to.equal(2);
    const last = await SessionClient.resume(url, session, 101, 0);
    await last.nextControl();
    last.control({ c: "bye" });
    last.cut();
    await checkNothingLeft();
  });
});
