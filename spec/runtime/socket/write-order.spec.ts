import type { Socket } from "node:net";
import { expect } from "chai";
import {
  type Frame,
  handlers,
  JsonWebSocketConsumer,
  type Runtime,
  type RuntimeOptions,
  WebSocketConsumer,
} from "greenroom";
import { until } from "../../layers/support/until.ts";
import { Client } from "../../support/client.ts";
import { nextTurn } from "../../support/next-turn.ts";
import { destroyRawWebSockets, Opcode, RawWebSocket, type WireFrame } from "../../support/raw-websocket.ts";
import { chat, serve, stopServing } from "../../support/serving.ts";
import { bytesOf, textOf } from "../support/frame-cases.ts";
import { onWrite } from "../support/on-write.ts";
import { Ticks } from "../support/ticks.ts";

describe("The order on the wire", () => {
  afterEach(async () => {
    await destroyRawWebSockets();
    await stopServing();
  });

  /** Starts a server that exposes its consumers and their sockets, in the order connected. */
  async function start(options: RuntimeOptions<Record<never, never>> = {}) {
    const consumers: WebSocketConsumer[] = [];
    const sockets: Socket[] = [];
    class Known extends WebSocketConsumer {
      override connect() {
        consumers.push(this);
      }
      override receive(text: string) {
        this.send(text);
      }
      override receiveBinary(bytes: Uint8Array) {
        this.send(bytes);
      }
    }
    const serving = await serve({ layers: {}, maxPayload: 2 ** 21, maxLagBytes: 2 ** 26, ...options });
    serving.server.on("connection", (socket) => sockets.push(socket));
    serving.runtime.route("/ws", Known);
    const send = (frame: Frame, to = consumers) => {
      for (const consumer of to) consumer.send(frame);
    };
    return { ...serving, url: `${serving.url}/ws`, consumers, sockets, send };
  }

  const brief = ({ opcode, payload }: WireFrame) =>
    opcode === Opcode.close
      ? `close ${payload.readUInt16BE()} ${payload.subarray(2)}`
      : `${opcode} ${payload.length > 20 ? payload.length : payload}`;
  const texts = (...all: readonly (string | number)[]) => all.map((text) => `${Opcode.text} ${text}`);

  /** Returns the frames that a client receives, up to the frame for which `isLast` is true. */
  async function receiveFrames(
    client: RawWebSocket,
    isLast: (brief: string, count: number) => boolean,
  ): Promise<string[]> {
    const received: string[] = [];
    for (;;) {
      const frame = await client.next();
      if (frame === undefined) throw new Error(`Nothing more after: ${received}`);
      received.push(brief(frame));
      if (isLast(received.at(-1) as string, received.length)) return received;
    }
  }
  const take = (client: RawWebSocket, count: number) =>
    receiveFrames(client, (_, received) => received === count);
  const receiveUntil = (client: RawWebSocket, text: string) =>
    receiveFrames(client, (received) => received === `${Opcode.text} ${text}`);

  /** Returns the frames up to the close frame, answers it, and checks that nothing follows. */
  async function untilClose(client: RawWebSocket): Promise<string[]> {
    const received = await receiveFrames(client, (frame) => frame.startsWith("close "));
    client.send(Opcode.close, Buffer.from([0x03, 0xe8]));
    expect(await client.rest(), "after the close frame").to.deep.equal([]);
    return received;
  }

  const ended = (runtime: Runtime, size = 0) => until(() => runtime.size === size);

  it("is the order of the calls in all phases of the event loop", async () => {
    const { url, send } = await start();
    const clients = [await RawWebSocket.open(url), await RawWebSocket.open(url)];
    const sent: number[] = [];
    const next = () => {
      sent.push(sent.length);
      send(`${sent.length - 1}`);
    };
    for (let round = 0; round < 20; round += 1) {
      next();
      process.nextTick(next);
      queueMicrotask(next);
      setImmediate(() => {
        next();
        process.nextTick(next);
        void Promise.resolve().then(next);
      });
      await new Promise<void>((resolve) => setTimeout(() => resolve(next()), 0));
      await nextTurn();
    }
    for (const client of clients) {
      expect(await take(client, sent.length)).to.deep.equal(texts(...sent));
      await client.destroy();
    }
  });

  it("holds within one write per socket, for the ticks and promises of a turn", async () => {
    const { url, send, sockets } = await start();
    const clients = [await RawWebSocket.open(url), await RawWebSocket.open(url)];
    const writes: string[] = [];
    for (const [index, socket] of sockets.entries()) onWrite(socket, () => writes.push(`to ${index}`));
    await nextTurn();
    send("sent at once");
    await Promise.resolve();
    send("after a promise");
    await new Promise<void>((resolve) => process.nextTick(resolve));
    send("after a tick");
    writes.push("end of the ticks");
    for (const client of clients) {
      expect(await take(client, 3)).to.deep.equal(texts("sent at once", "after a promise", "after a tick"));
    }
    expect([writes[0], ...writes.slice(1).sort()]).to.deep.equal(["end of the ticks", "to 0", "to 1"]);
  });

  it("is the order of a group's messages, with each member's own frames in between", async () => {
    class Member extends JsonWebSocketConsumer<{ messages: { note: { readonly n: number } } }> {
      static override readonly layer = "chat";
      static override readonly on = handlers<Member>({
        note(note) {
          this.sendJson(note);
          if (note.n % 3 === 0) this.sendJson({ own: `${this.scope.query.get("n")}.${note.n}` });
          else this.send(`again ${note.n}`);
        },
      });
      override async connect() {
        await this.accept();
        await this.groupAdd("room");
        this.send("joined");
      }
    }
    const { runtime, url } = await serve({ layers: chat() });
    runtime.route("/ws", Member);
    const clients = await Promise.all([0, 1, 2].map((n) => Client.open(`${url}/ws?n=${n}`)));
    for (const client of clients) expect(await client.next()).to.equal("joined");
    const count = 30;
    for (let n = 0; n < count; n += 1) {
      void runtime.layers.chat.groupSend("room", { type: "note", n } as never);
      if (n % 10 === 0) await nextTurn();
    }
    for (const [index, client] of clients.entries()) {
      expect(await client.take(2 * count)).to.deep.equal(
        Array.from({ length: count }, (_, n) => [
          `{"type":"note","n":${n}}`,
          n % 3 === 0 ? `{"own":"${index}.${n}"}` : `again ${n}`,
        ]).flat(),
      );
    }
  });

  describe("with pings", () => {
    it("keeps every frame whole if pings and frames are sent in one turn", async () => {
      const [pingIntervalMs, ticks] = [3_200, 32];
      const clock = new Ticks();
      const { url, send } = await start({ clock, pingIntervalMs });
      const clients = [await RawWebSocket.open(url), await RawWebSocket.open(url)];
      for (let interval = 0; interval < 3; interval += 1) {
        const sent: string[] = [];
        for (let tick = 0; tick < ticks; tick += 1) {
          const frame = tick % 8 === 7 ? textOf(300_000) : `${interval}.${tick}`;
          send(frame);
          sent.push(frame.length > 20 ? `${frame.length}` : frame);
          clock.increment(pingIntervalMs / ticks);
          await nextTurn();
        }
        send("the end");
        for (const client of clients) {
          const received = await receiveUntil(client, "the end");
          expect(received.filter((frame) => frame === "9 ")).to.have.length(1);
          expect(received.filter((frame) => frame !== "9 ")).to.deep.equal(texts(...sent, "the end"));
          client.send(Opcode.pong);
          client.send(Opcode.text, "read");
          expect(await take(client, 1)).to.deep.equal(texts("read"));
        }
      }
    });

    it("answers the pings of a client that reads slowly", async () => {
      const { url, send, sockets } = await start();
      const client = await RawWebSocket.open(url);
      client.socket.pause();
      const large = bytesOf(1_048_576);
      for (let count = 0; count < 8; count += 1) send(large);
      await nextTurn();
      const before = sockets[0]?.bytesRead ?? 0;
      for (let count = 0; count < 10; count += 1) client.send(Opcode.ping, `ping ${count}`);
      await until(() => (sockets[0]?.bytesRead ?? 0) >= before + 10 * 12);
      send("the last");
      client.socket.resume();
      const received = await receiveUntil(client, "the last");
      expect(received.filter((frame) => frame.startsWith("10 "))).to.deep.equal(
        Array.from({ length: 10 }, (_, count) => `10 ping ${count}`),
      );
      expect(received.filter((frame) => !frame.startsWith("10 "))).to.deep.equal([
        ...Array.from({ length: 8 }, () => `2 ${large.length}`),
        "1 the last",
      ]);
    });

    it("accepts fragmented messages with pings in between, while the server sends", async () => {
      const { url, send } = await start();
      const client = await Client.open(url);
      const { websocket } = client;
      const pongs: string[] = [];
      websocket.on("pong", (payload) => pongs.push(String(payload)));
      for (const length of [2, 125, 126, 65_536, 1_048_576]) {
        const [text, bytes] = [textOf(length), bytesOf(length)];
        const third = Math.ceil(length / 3);
        for (const whole of [text, bytes]) {
          const binary = typeof whole !== "string";
          websocket.send(whole.slice(0, third), { fin: false, binary });
          websocket.ping(`${length}`);
          websocket.send(whole.slice(third, 2 * third), { fin: false, binary });
          websocket.send("", { fin: false, binary });
          send(`meanwhile ${length}`);
          websocket.ping(`${length}`);
          websocket.send(whole.slice(2 * third), { fin: true, binary });
        }
        const received = await client.take(4);
        expect(received.filter((frame) => String(frame).startsWith("mean"))).to.have.length(2);
        const echoes = received.filter((frame) => !String(frame).startsWith("mean"));
        expect(echoes[0] === text && bytes.equals(echoes[1] as Buffer)).to.equal(true);
        expect(pongs.splice(0)).to.deep.equal(Array(4).fill(`${length}`));
      }
    });
  });

  describe("at the close", () => {
    it("includes all earlier frames, also of earlier turns, and no later frames", async () => {
      const { url, send, consumers, runtime } = await start();
      const client = await RawWebSocket.open(url);
      client.socket.pause();
      const large = bytesOf(1_048_576);
      for (let count = 0; count < 10; count += 1) {
        send(large);
        send(`${count}`);
        await nextTurn();
      }
      send("one");
      send("");
      send("three");
      consumers[0]?.close(4000, "enough");
      for (const late of ["late", large, ""]) send(late);
      await nextTurn();
      send("later");
      client.socket.resume();
      const waited = Array.from({ length: 10 }, (_, n) => [`2 ${large.length}`, `1 ${n}`]).flat();
      expect(await untilClose(client)).to.deep.equal([
        ...waited,
        ...texts("one", "", "three"),
        "close 4000 enough",
      ]);
      await ended(runtime);
      expect(runtime.counters().dropped.closing).to.equal(4);
    });

    it("excludes only the connection that closes if frames go to many connections", async () => {
      const { url, send, consumers, runtime } = await start();
      const open = () => RawWebSocket.open(url);
      const [first, second, third] = [await open(), await open(), await open()] as const;
      send("a");
      send("b", consumers.slice(1));
      consumers[1]?.close(4001, "");
      send("c");
      send("d", consumers.slice(0, 2));
      await nextTurn();
      send("e");
      expect(await untilClose(second)).to.deep.equal([...texts("a", "b"), "close 4001 "]);
      for (const [client, sent] of [
        [first, ["a", "c", "d", "e"]],
        [third, ["a", "b", "c", "e"]],
      ] as const) {
        expect(await take(client, 4)).to.deep.equal(texts(...sent));
        await client.destroy();
      }
      await ended(runtime);
      expect(runtime.counters().dropped.closing).to.equal(3);
    });

    it("has no gap when the client closes, and later frames are counted", async () => {
      const { url, consumers, runtime } = await start();
      const client = await RawWebSocket.open(url);
      client.socket.pause();
      const [consumer] = consumers;
      let sent = 0;
      const speak = () => {
        for (let count = 0; count < 3; count += 1) consumer?.send(`${sent++} ${textOf(70_000)}`);
      };
      for (let turn = 0; turn < 30; turn += 1) {
        speak();
        await nextTurn();
      }
      client.send(Opcode.close, Buffer.from([0x0f, 0xa1]));
      // While the client does not read, the answer to its close waits, so the connection stays open.
      while (runtime.counters().dropped.closing === 0) {
        speak();
        await nextTurn();
      }
      speak();
      client.socket.resume();
      const frames = await client.rest();
      await ended(runtime);
      const closing = frames.pop() as WireFrame;
      expect(brief(closing)).to.equal("close 4001 ");
      const numbers = frames.map(({ payload }) => Number.parseInt(String(payload.subarray(0, 10)), 10));
      expect(numbers).to.deep.equal(numbers.map((_, index) => index));
      expect(frames.filter(({ opcode }) => opcode !== Opcode.text)).to.deep.equal([]);
      expect(frames.length + runtime.counters().dropped.closing).to.equal(sent);
      // All frames except those of the last two turns before the close.
      expect(frames.length).to.be.at.least(84);
    });

    it("has no frames after the answer to a close that arrives with other frames", async () => {
      const { url, runtime } = await start();
      const client = await RawWebSocket.open(url);
      // One packet is read in one turn.
      client.socket.cork();
      for (const text of ["a", "b", "c"]) client.send(Opcode.text, text);
      client.send(Opcode.close, Buffer.from([0x0f, 0xa1]));
      client.socket.uncork();
      const received = (await client.rest()).map(brief);
      await ended(runtime);
      expect(received.at(-1)).to.equal("close 4001 ");
      expect(received.slice(0, -1)).to.deep.equal(texts("a", "b", "c").slice(0, received.length - 1));
      expect(received.length - 1 + runtime.counters().dropped.closing).to.equal(3);
    });
  });

  describe("to many connections", () => {
    it("is kept for the others when sockets are destroyed before and during the write", async () => {
      const { url, send, sockets, runtime, failures } = await start();
      const clients: Client[] = [];
      for (let count = 0; count < 100; count += 1) clients.push(await Client.open(url));
      const frames = ["first", bytesOf(200), textOf(70_000), "", "last"];
      for (const frame of frames) send(frame);
      sockets[50]?.destroy();
      onWrite(sockets[0] as Socket, () => sockets[70]?.destroy());
      clients[90]?.websocket.terminate();
      await until(() => runtime.size === 97);
      for (const frame of frames) send(frame);
      send("end");
      for (const [index, client] of clients.entries()) {
        if ([50, 70, 90].includes(index)) expect((await client.closed).code).to.equal(1006);
        else expect(await client.take(11)).to.deep.equal([...frames, ...frames, "end"]);
      }
      expect(failures).to.deep.equal([]);
      expect(runtime.counters().dropped.closing).to.be.at.least(5);
      for (const client of clients) client.websocket.terminate();
      await ended(runtime);
    });

    it("is kept for the others when frames cannot be written, and includes frames of onError", async () => {
      const stages: string[] = [];
      const { url, send, consumers, runtime } = await start({
        onError: (_, { stage }) => {
          stages.push(stage);
          send(`error ${stages.length}`, [consumers[0], consumers[9]] as WebSocketConsumer[]);
        },
      });
      const clients: RawWebSocket[] = [];
      for (let count = 0; count < 10; count += 1) clients.push(await RawWebSocket.open(url));
      const [own, shared] = [new Uint8Array(8), bytesOf(70_000).slice()];
      const bytes = new Uint8Array(shared);
      send("before");
      send(own, consumers.slice(3, 4));
      send("between");
      send(bytes, consumers.slice(5, 7));
      send(bytesOf(300));
      for (const { buffer } of [own, bytes]) structuredClone(buffer, { transfer: [buffer] });
      // The number of turns until the frames are written depends on the machine.
      await until(() => stages.length === 3);
      send("after");
      for (const [index, client] of clients.entries()) {
        if ([3, 5, 6].includes(index)) {
          expect(await untilClose(client)).to.deep.equal([
            ...texts("before", "between"),
            "2 300",
            "close 1011 Internal error",
          ]);
          continue;
        }
        const received = await receiveUntil(client, "after");
        const note = [0, 9].includes(index) ? texts("error 1", "error 2", "error 3") : [];
        expect(received.filter((frame) => !note.includes(frame))).to.deep.equal([
          ...texts("before", "between"),
          "2 300",
          "1 after",
        ]);
        expect(received.filter((frame) => note.includes(frame))).to.deep.equal(note);
        await client.destroy();
      }
      expect(stages).to.deep.equal(["send", "send", "send"]);
      await ended(runtime);
      // The frame "after" to the three closed connections.
      expect(runtime.counters().dropped.closing).to.equal(3);
    });
  });
});
