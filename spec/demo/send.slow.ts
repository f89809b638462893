import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { type Demo, startDemo } from "../../demo/server.ts";
import { Client } from "../support/client.ts";
import { runDemo, runDemoOften } from "../support/demo-process.ts";
import { freePort } from "../support/free-port.ts";
import { type RedisServer, startRedisServer } from "../support/redis.ts";
import { TalkClient } from "../support/talk-client.ts";
import { Terminal } from "../support/terminal.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

type Destination = readonly [path: string, words: readonly string[], arrives: string];

describe("npm run send", function () {
  this.timeout(60_000);

  it("prints its help, refuses wrong arguments, and requires REDIS_URL", async () => {
    const nowhere = { REDIS_URL: `redis://127.0.0.1:${await freePort()}` };
    const [help, ...failures] = await runDemoOften("send", [
      [["--help"]],
      [[], nowhere],
      [["toString", "hello"], nowhere],
      [["chat", " "], nowhere],
      [["room", "a b", "hello"], nowhere],
      [["talk", "a b", "hello"], nowhere],
      [["chat", "hello"]],
      [["--every", "2", "chat", "hello"], nowhere],
      [["--every", "9ms", "chat", "hello"], nowhere],
      [["--every", "2s", "--count", "0", "chat", "hello"], nowhere],
      [["--count", "2", "chat", "hello"], nowhere],
      [["--often", "2s", "chat", "hello"], nowhere],
      [["--every"], nowhere],
    ]);
    expect([help?.code, help?.said]).to.deep.equal([0, ""]);
    expect(help?.printed).to.match(/npm run send -- talk general "hello"/);
    for (const { code, printed } of failures) expect([code, printed]).to.deep.equal([1, ""]);
    const said = failures.map((ended) => ended.said);
    const targetOf = (target: string) =>
      `Nothing was sent. The target is "${target}"; it must be one of room, talk, chat, reliable, notification, analytics. See --help.\n`;
    const everyOf = (value: string) =>
      `Nothing was sent. --every is "${value}"; it must be a time of at least 10ms, such as 500ms, 2s or 1m.\n`;
    const nothing = 'Nothing was sent. The text is missing: npm run send -- room general "hello"\n';
    const noRoom = `Nothing was sent. "a b" is not a room name. It may hold the letters A–Z and a–z, digits, '-', '_' and '.', and nothing else.\n`;
    expect(said).to.deep.equal([
      targetOf(""),
      targetOf("toString"),
      nothing,
      noRoom,
      noRoom,
      "Nothing was sent. REDIS_URL is not set: the layers would be in the memory of this process, and NO CLIENT WOULD RECEIVE THE MESSAGE. Start this program and the demo with the same REDIS_URL, such as redis://localhost:6399.\n",
      everyOf("2"),
      everyOf("9ms"),
      'Nothing was sent. --count is "0"; it must be a number from 1.\n',
      "Nothing was sent. --count needs --every, such as --every 2s.\n",
      "Nothing was sent. The option --often is unknown. See --help.\n",
      everyOf(""),
    ]);
  });

  it("names the Redis that does not answer", async () => {
    const nowhere = { REDIS_URL: `redis://user:secret@127.0.0.1:${await freePort()}` };
    const { code, printed, said } = await runDemo("send", ["chat", "hello"], nowhere);
    expect([code, printed]).to.deep.equal([1, ""]);
    expect(said)
      .to.match(/^Nothing was sent\. Redis at 127\.0\.0\.1:\d+ .* Start a server there \(.*\)\.\n$/)
      .and.not.contain("secret");
  });

  describe("to a demo on the same Redis", () => {
    let redis: RedisServer;
    let demo: Demo;
    before(async () => {
      redis = await startRedisServer();
      demo = await startDemo({ port: 0, redisUrl: redis.url });
    });
    after(async () => {
      await demo.close();
      await redis.stop();
    });

    const send = (...words: string[]) => runDemo("send", words, { REDIS_URL: redis.url });
    const sent = { code: 0, printed: "Sent.\n", said: "" };
    const bold = '<b>"five"</b> $(reboot) 🌍\r\n\u001b[31m';

    const destinations: readonly [Destination, ...Destination[]] = [
      ["/ws/room/general", ["room", "general", "hello", "there"], "💬 hello there"],
      ["/ws/chat", ["chat", "-1", "degree"], "💬 -1 degree"],
      ["/ws/reliable", ["reliable", bold], `📨 ${bold}`],
      ["/ws/notifications", ["notification", bold], `🔔 Notification: ${bold}`],
      ["/ws/analytics", ["analytics", "a click"], "📊 Analytics: a click"],
    ];

    it("reaches all five text targets, and only the named room", async () => {
      const clients = await Promise.all(destinations.map(([path]) => Client.open(demo.url + path)));
      const bystander = await Client.open(`${demo.url}/ws/room/other`);
      // All groups but analytics announce a new member.
      await Promise.all([bystander, ...clients.slice(0, 4)].map((client) => client.next()));
      const [[, first], ...others] = destinations;
      const settings = { REDIS_URL: redis.url };
      const often = runDemoOften(
        "send",
        others.map(([, words]) => [words, settings]),
      );
      const ended = [await send(...first), ...(await often)];
      expect(ended).to.deep.equal(destinations.map(() => sent));
      const arrived = await Promise.all(clients.map(async (client) => String(await client.next())));
      arrived[3] = JSON.parse(arrived[3] ?? "").message;
      expect(arrived).to.deep.equal(destinations.map(([, , arrives]) => arrives));
      bystander.send("the end");
      expect(await bystander.next()).to.equal("💬 the end");
    });

    it("repeats a message as often as it is told", async () => {
      const client = await Client.open(`${demo.url}/ws/chat`);
      expect(await client.next()).to.equal("📢 Someone joined the chat");
      const ended = await send("--every", "10ms", "--count", "3", "chat", "--tick", "tock");
      expect(ended).to.deep.equal({ code: 0, printed: "Sent 1.\nSent 2.\nSent 3.\n", said: "" });
      expect(await client.take(3)).to.deep.equal(Array(3).fill("💬 --tick tock"));
      client.send("the end");
      expect(await client.next()).to.equal("💬 the end");
    });

    it("repeats a message until Ctrl+C", async () => {
      const client = await Client.open(`${demo.url}/ws/room/clock`);
      await client.next();
      const env = { ...process.env, REDIS_URL: redis.url };
      const terminal = new Terminal("exec npm run --silent send -- --every 20ms room clock tick", root, env);
      expect(await client.take(3)).to.deep.equal(Array(3).fill("💬 tick"));
      terminal.signal("SIGINT");
      expect(await terminal.ended).to.deep.equal({ code: 0 });
    });

    it("reaches a room with names", async () => {
      const member = await TalkClient.of(await Client.open(`${demo.url}/ws/talk/general`));
      const before = Date.now();
      expect(await send("talk", "general", bold)).to.deep.equal(sent);
      const { at, ...said } = await member.next("said");
      expect(said).to.deep.equal({ type: "said", key: "", name: "npm run send", text: bold });
      expect(at).to.be.within(before, Date.now());
    });

    it("refuses a text that is too long", async () => {
      // No single word may be longer than 128 KiB.
      const words = Array.from({ length: 15 }, () => "x".repeat(100_000));
      const { code, printed, said } = await send("room", "general", ...words);
      expect([code, printed]).to.deep.equal([1, ""]);
      expect(said).to.equal(
        'Nothing was sent. A message is at most 1048576 bytes long when encoded: "room_message" has 1500051.\n',
      );
    });
  });
});
