import { expect } from "chai";
import { contractConsumer, frames, handlers, relay } from "greenroom";
import { contract, type errorCodes } from "greenroom/contract";
import { z } from "zod";
import { usedHeap } from "../faults/support/heap.ts";
import { Client } from "../support/client.ts";
import { gate } from "../support/gate.ts";
import { chat, serve, stopServing } from "../support/serving.ts";
import { pauses } from "../support/waiting.ts";

type Nested = readonly Nested[];
const nested: z.ZodType<Nested> = z.lazy(() => z.array(nested));
const never = gate();

const room = contract({
  path: "/room",
  client: {
    say: z.object({ text: z.string().max(100) }),
    echo: { payload: z.looseObject({}) as z.ZodType<object>, reply: z.unknown() },
    post: z.looseObject({ text: z.string() }) as z.ZodType<{ text: string }>,
    any: { payload: z.any() as z.ZodType<unknown>, reply: z.unknown() },
    nested: { payload: nested, reply: z.unknown() },
    strict: { payload: z.strictObject({ text: z.string() }), reply: z.unknown() },
    list: z.object({ list: z.array(z.number()) }),
    tree: z.record(z.string(), z.record(z.string(), z.number())) as z.ZodType<object>,
    pend: { payload: z.object({}), reply: z.unknown() },
    join: { payload: z.object({ group: z.string() }), reply: z.unknown() },
    leave: z.object({ reason: z.unknown() }),
  },
  server: { said: z.unknown(), posted: z.unknown() },
});

interface Messages {
  readonly posted: { readonly text: string };
}

class Room extends contractConsumer(room)<{ messages: Messages }> {
  static override readonly layer = "chat";
  static override readonly on = handlers<Room>({ posted: relay });
  static override readonly frames = frames<Room>({
    say({ text }) {
      this.send("said", { text });
    },
    echo: (payload) => payload,
    post(payload) {
      return this.groupSend("room", { ...payload, type: "posted" });
    },
    any: (payload) => payload as unknown,
    nested: (payload) => payload,
    strict: (payload) => payload,
    list() {},
    tree() {},
    pend: () => never.opened,
    async join({ group }) {
      await this.groupAdd(group);
    },
    leave({ reason }) {
      this.close(1000, reason as string);
    },
  });
  override async connect() {
    await this.accept();
    await this.groupAdd("room");
  }
}

interface Answer {
  readonly [key: string]: unknown;
  readonly type: string;
}

describe("A client that sends hostile frames to a consumer with a contract", () => {
  afterEach(stopServing);

  async function start() {
    const serving = await serve({ layers: chat() });
    serving.runtime.route(Room);
    const bystander = await Client.open(`${serving.url}/room`);
    const client = await Client.open(`${serving.url}/room`);
    const next = async (from = client) => JSON.parse(String(await from.next())) as Answer;
    const answerTo = async (frame: string | object) => {
      client.send(typeof frame === "string" ? frame : JSON.stringify(frame));
      return next();
    };
    /** Checks that both clients get their echo, that no frame came before it, and that no prototype has changed. */
    const check = async () => {
      for (const each of [client, bystander]) {
        each.send('{"type":"say","text":"here"}');
        expect(await next(each)).to.deep.equal({ type: "said", text: "here" });
      }
      expect({}).not.to.have.property("admin");
    };
    return { ...serving, bystander, client, next, answerTo, check };
  }

  it("gets an error for each frame that is not a frame of the contract", async () => {
    const { answerTo, check, failures, runtime } = await start();
    const frames: Readonly<Record<(typeof errorCodes)[number], readonly string[]>> = {
      "greenroom.bad_json": ["", "{", "hello", '{"type":"say","text":1e999}', "[".repeat(60_000), "\u0000"],
      "greenroom.bad_frame": [
        ...'null,1,true,[],{},"say"'.split(","),
        '{"toString":"x"}',
        '{"__proto__":{"type":"say","text":"x"}}',
        '{"type":null}',
        '{"type":["say"]}',
        '{"type":{"toString":"say"}}',
        '{"type":"*"}',
        `{"type":"${"a".repeat(60_000)}"}`,
      ],
      "greenroom.unknown_type": [
        ..."__proto__,constructor,toString,hasOwnProperty,then,connect,disconnect,receive,receiveBinary".split(
          ",",
        ),
        ..."send,sendBinary,close,groupSend,unhandled,posted,xstate.stop,xstate.init,greenroom.reply".split(
          ",",
        ),
        ..."greenroom.error,frame.say,a.b,SAY,0".split(","),
      ].map((type) => JSON.stringify({ type, text: "x" })),
      "greenroom.invalid": [
        '{"type":"say"}',
        '{"type":"say","text":null}',
        '{"type":"say","text":{"toString":"x"}}',
        '{"type":"say","__proto__":{"text":"x"}}',
        '{"type":"say","text":"x","text":1}',
        `{"type":"say","text":"${"a".repeat(60_000)}"}`,
        '{"type":"strict","text":"x","__proto__":{"admin":true}}',
        '{"type":"strict","text":"x","constructor":1}',
        '{"type":"join","group":7}',
      ],
      "greenroom.unexpected": [],
      "greenroom.failed": [
        ..."a b,ä,*,a/b".split(",").map((group) => JSON.stringify({ type: "join", group })),
        `{"type":"join","group":"${"a".repeat(101)}"}`,
        '{"type":"leave","reason":{}}',
      ],
    };
    for (const [code, texts] of Object.entries(frames))
      for (const text of texts) {
        const answer = await answerTo(text);
        expect(answer, text.slice(0, 100)).to.include({ type: "greenroom.error", code });
        expect(JSON.stringify(answer).length, text.slice(0, 100)).to.be.below(2_500);
        expect(answer).not.to.have.property("id");
      }
    await check();
    const counts = Object.fromEntries(Object.entries(frames).map(([code, texts]) => [code, texts.length]));
    expect(runtime.counters().refusedFrames).to.deep.equal(counts);
    expect(runtime.counters().dropped.unhandled).to.equal(0);
    for (const { stage } of failures) expect(stage).to.be.oneOf(["frame", "receive"]);
  });

  it("sets no prototype through replies, messages and relays", async () => {
    const { answerTo, check, client, next, bystander } = await start();
    const fields = '"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}},"toString":"x"';
    for (const type of ["echo", "any"]) {
      const { value } = await answerTo(`{"type":"${type}","id":1,${fields}}`);
      expect(value).not.to.have.property("admin");
      expect(Object.getPrototypeOf(value)).to.equal(Object.prototype);
      expect((value as Answer).toString).to.equal("x");
    }
    client.send(`{"type":"post","text":"a",${fields}}`);
    for (const each of [client, bystander]) {
      const frame = await next(each);
      expect(frame).to.include({ type: "posted", text: "a", toString: "x" });
      expect(Object.getPrototypeOf(frame)).to.equal(Object.prototype);
      expect(frame).not.to.have.property("admin");
    }
    await check();
  });

  it("gets an answer to 64 KiB of nested arrays", async () => {
    const { answerTo, check } = await start();
    const deep = (type: string, depth: number) =>
      `{"type":"${type}","id":1,"value":${"[".repeat(depth)}${"]".repeat(depth)}}`;
    const most = 32_700;
    for (const [type, depth, code] of [
      ["any", most, "greenroom.failed"],
      ["nested", most, "greenroom.failed"],
      ["strict", most, "greenroom.invalid"],
      ["say", most, "greenroom.invalid"],
      ["other", most, "greenroom.unknown_type"],
      ["nested", 10, undefined],
      ["any", 900, undefined],
    ] as const)
      expect((await answerTo(deep(type, depth))).code, `${type} ${depth}`).to.equal(code);
    await check();
  });

  it("gets answers of limited size, although it chooses the keys and the number of issues", async () => {
    const { answerTo, check } = await start();
    const key = "k".repeat(200);
    const keys = Object.fromEntries(Array.from({ length: 4_000 }, (_, index) => [`key ${index}`, 1]));
    for (const [frame, limit] of [
      [{ type: "strict", ...keys }, 1_500],
      [{ type: "strict", ["k".repeat(60_000)]: 1 }, 1_500],
      [{ type: "list", list: Array(15_000).fill("x") }, 5_000],
      [{ type: "list", list: Array(10_000).fill("\u2028") }, 5_000],
      [
        {
          type: "tree",
          [key]: Object.fromEntries(Array.from({ length: 250 }, (_, i) => [`${key}${i}`, "x"])),
        },
        9_000,
      ],
    ] as const) {
      const answer = await answerTo(frame);
      expect(answer.code).to.equal("greenroom.invalid");
      expect(Buffer.byteLength(JSON.stringify(answer)), frame.type).to.be.below(limit);
    }
    await check();
  });

  it("gets `greenroom.bad_frame` for an id that is not allowed", async () => {
    const { answerTo, check } = await start();
    for (const id of [
      "{}",
      "[]",
      "[1]",
      '{"toString":"x"}',
      "null",
      "true",
      JSON.stringify("a".repeat(101)),
    ]) {
      const answer = await answerTo(`{"type":"echo","id":${id}}`);
      expect(answer, id).to.include({ type: "greenroom.error", code: "greenroom.bad_frame" });
      expect(answer).not.to.have.property("id");
    }
    expect((await answerTo('{"type":"echo","id":1e999}')).code).to.equal("greenroom.bad_json");
    await check();
  });

  it("gets one reply for each frame, also if it repeats an id", async () => {
    const { answerTo, check } = await start();
    for (const id of [1, 1, "1", "", -0.5, 2 ** 53, "a".repeat(100), "\u0000", "__proto__"])
      expect(await answerTo({ type: "echo", id, a: 1 })).to.deep.equal({
        type: "greenroom.reply",
        id,
        value: { a: 1 },
      });
    await check();
  });

  it("is paused while its frames wait for a handler that never settles", async () => {
    const { bystander, client, next, runtime } = await start();
    client.send('{"type":"pend","id":1}');
    const text = JSON.stringify({ type: "say", text: "x" }) + " ".repeat(16_000);
    for (let count = 0; count < 2_000; count += 1) client.send(text);
    const pause = pauses(50);
    for (let before = -1; before !== client.websocket.bufferedAmount; await pause())
      before = client.websocket.bufferedAmount;
    // The server has read a part of the 32 MB: the frames that may wait, and what the sockets hold.
    expect(client.websocket.bufferedAmount).to.be.above(1_000_000);
    bystander.send('{"type":"say","text":"here"}');
    expect(await next(bystander)).to.deep.equal({ type: "said", text: "here" });
    expect(runtime.counters().dropped).to.include({ overflow: 0, closing: 0 });
    client.websocket.terminate();
    never.open();
    await client.closed;
  });

  it("gets 10,000 errors in a row, which take little memory and few reports", async () => {
    const { bystander, client, check, failures, next, runtime } = await start();
    const frames = ["{", "3", '{"type":"other"}', '{"type":"say","text":1}'];
    const count = 10_000;
    const flood = async (from: number) => {
      for (let sent = from; sent < from + 1_000; sent += 1) client.send(frames[sent % 4] as string);
      let bytes = 0;
      for (const frame of await client.take(1_000)) bytes += frame.length;
      expect(bytes / 1_000, "bytes for each frame").to.be.below(400);
      bystander.send('{"type":"say","text":"here"}');
      expect(await next(bystander)).to.deep.equal({ type: "said", text: "here" });
    };
    await flood(0);
    const before = await usedHeap();
    for (let from = 1_000; from < count; from += 1_000) await flood(from);
    expect((await usedHeap()) - before, "growth of the heap").to.be.below(16 * 2 ** 20);
    expect(runtime.counters().refusedFrames).to.deep.include({
      "greenroom.bad_json": count / 4,
      "greenroom.bad_frame": count / 4,
      "greenroom.unknown_type": count / 4,
      "greenroom.invalid": count / 4,
    });
    expect(failures).to.have.length(4);
    await check();
  }).timeout(30_000);
});
