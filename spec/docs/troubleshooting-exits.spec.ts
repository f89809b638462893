import { readFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import {
  CloseCode,
  type ConsumerClass,
  type Effect,
  type Guard,
  groupName,
  JsonWebSocketConsumer,
  type Limits,
  MemoryLayer,
  machineConsumer,
  originGuard,
  WebSocketConsumer,
} from "greenroom";
import { setup } from "xstate";
import { until } from "../layers/support/until.ts";
import { Client, type Closed } from "../support/client.ts";
import { gate } from "../support/gate.ts";
import { quotedIn, rowsOf } from "../support/markdown-table.ts";
import { nextTurn } from "../support/next-turn.ts";
import { plainRequest, RawClient } from "../support/raw-client.ts";
import { upgradeRequest } from "../support/raw-websocket.ts";
import { serve, stopServing } from "../support/serving.ts";

/** The answer to an upgrade that arrives when too many upgrades wait. */
async function inACrowd(): Promise<string[]> {
  class Slow extends WebSocketConsumer {
    override connect() {
      const end = performance.now() + 6; // more than the time of a turn for upgrades
      while (performance.now() < end);
    }
  }
  const { runtime, url } = await serve({ layers: {}, maxWaitingUpgrades: 1 });
  runtime.route("/ws", Slow);
  const clients: RawClient[] = [];
  // One after the other, so that the server has accepted all of them before the first upgrade.
  while (clients.length < 10) clients.push(await RawClient.open(url));
  await Promise.all(clients.map((client) => client.send(upgradeRequest("/ws"))));
  const answered = /^HTTP\/1.1 (?:101|(\d+).*\r\n\r\n(.*)\n$)/s;
  const answers = await Promise.all(clients.map((client) => client.until(answered)));
  for (const { socket } of clients) socket.destroy();
  const [, status = "", body = ""] =
    answers.map((answer) => answered.exec(answer)).find((found) => found?.[1]) ?? [];
  return [status, body];
}

/** The refusal of a second socket, by a server with room for one. */
async function pastLimit(limits: Partial<Limits>): Promise<readonly string[]> {
  const { url } = await serve({ layers: {}, ...limits });
  const first = await RawClient.open(url);
  const answer = await (await RawClient.open(url)).rest();
  first.socket.destroy();
  const [, status = "", body = ""] = /^HTTP\/1.1 (\d+).*\r\n\r\n(.*)\n$/s.exec(answer) ?? [];
  return [status, body];
}

describe("docs/reference/close-codes.md", () => {
  let page: string;
  before(async () => {
    const file = fileURLToPath(new URL("../../docs/reference/close-codes.md", import.meta.url));
    page = await readFile(file, "utf8");
  });
  afterEach(stopServing);

  it("lists every status with which an upgrade is refused, and its text", async () => {
    const held = gate();
    class Guest extends WebSocketConsumer {
      override connect() {
        if (this.scope.query.has("fail")) throw new Error("thrown");
      }
      override receive() {
        return held.opened;
      }
    }
    const slow: Guard = ({ query }) => (query.has("slow") ? new Promise(() => {}) : undefined);
    const guards = [originGuard({ allowMissing: false }), slow];
    const limits = { connectTimeoutMs: 50, unansweredUpgradeMs: 50 };
    const { runtime, server, url } = await serve({ layers: {}, guards, ...limits });
    runtime.route("/ws/room/:room_name", Guest, { params: { room_name: groupName } });
    const own = { headers: { Origin: url } };
    const answer = async (path: string, options: object = own) => {
      const { status, body } = await Client.refused(`${url}${path}`, options);
      return [String(status), body];
    };
    const besideAnother = async () => {
      const other = () => {};
      server.on("upgrade", other);
      const answered = await answer("/ws/Room/a");
      server.off("upgrade", other);
      return answered;
    };
    const behindAnother = async () => {
      const slowRequest = plainRequest("/ws/room/a?slow", { Host: new URL(url).host, Origin: url });
      const both = await RawClient.open(url, slowRequest + slowRequest);
      const answers = await both.until(/HTTP.*HTTP.*\r\n\r\n.*\n$/s);
      both.socket.destroy();
      const [, status = "", body = ""] = /.*HTTP\/1.1 (\d+).*\r\n\r\n(.*)\n$/s.exec(answers) ?? [];
      return [status, body];
    };
    const upgradeRequired = await fetch(`${url}/ws/room/a`, own);
    const answers = [
      await answer("/ws/room/%ZZ"),
      await answer("/ws/room/%20"),
      await answer("/ws/room/a", { headers: { Origin: "https://elsewhere.example" } }),
      await answer("/ws/room/a", {}),
      await answer("/ws/Room/a"),
      await besideAnother(),
      [String(upgradeRequired.status), (await upgradeRequired.text()).trim()],
      await answer("/ws/room/a?fail"),
      await answer("/ws/room/a?slow"),
      await behindAnother(),
      await pastLimit({ maxConnectionsPerAddress: 1 }),
      await pastLimit({ maxConnections: 1 }),
      await inACrowd(),
    ];
    const client = await Client.open(`${url}/ws/room/a`, [], own);
    client.send("hold");
    await until(() => runtime.size === 1);
    const closing = runtime.close();
    answers.push(await answer("/ws/room/a"));
    held.open();
    await closing;
    expect(rowsOf(page, "status", "text").map(([status, text]) => [status, ...quotedIn(text)])).to.deep.equal(
      answers,
    );
  });

  describe("says of each close code", () => {
    const reasonsOf = (code: number) =>
      quotedIn(rowsOf(page, "code", "reason").find(([cell]) => cell === String(code))?.[1]);

    it("of this package, and of WebSocket where it comes up, a line", () => {
      const codes = new Set<number>([...Object.values(CloseCode), 1001, 1002, 1007, 1008, 1009]);
      const listed = rowsOf(page, "code", "reason").map(([code]) => code);
      const single = listed.filter((code) => !code?.includes(" to "));
      expect(single).to.deep.equal([...codes].sort((a, b) => a - b).map(String));
      expect(listed.filter((code) => code?.includes(" to "))).to.deep.equal(["3300 to 3599", "4000 to 4999"]);
    });

    class Talker extends WebSocketConsumer {
      override receive(): void {
        throw new Error("thrown");
      }
    }
    class Json extends JsonWebSocketConsumer {}
    class Crowded extends WebSocketConsumer<{ messages: { room_message: object } }> {
      static override readonly layer = "chat";
      static override readonly mailbox = { capacity: 1 };
      static override readonly on = { room_message: () => {} };
      override async connect() {
        await this.accept();
        await this.groupAdd("room_general");
      }
      override receive() {
        this.send("held");
        return new Promise<void>((resolve) => this.signal.addEventListener("abort", () => resolve()));
      }
    }
    let leaving = gate();
    class Flood extends WebSocketConsumer {
      static override readonly outbox = { maxLagBytes: 1 };
      override async receive() {
        const megabyte = Buffer.alloc(2 ** 20);
        while (!this.signal.aborted) {
          this.send(megabyte);
          await nextTurn();
        }
      }
      override disconnect() {
        leaving.open();
      }
    }
    const done = setup({ types: { emitted: {} as Effect } }).createMachine({
      initial: "open",
      states: { open: { on: { "frame.end": "over" } }, over: { type: "final" } },
    });

    type Deed = (client: Client, stop: () => Promise<void>, layer: MemoryLayer) => unknown;
    const rawSocket = ({ websocket }: Client) =>
      (websocket as unknown as { readonly _socket: Socket })._socket;
    const cases: readonly (readonly [number, string, ConsumerClass, Deed])[] = [
      [1000, "The machine is done", machineConsumer(done), (client) => client.send('{"type":"end"}')],
      [1002, "", Talker, (client) => rawSocket(client).write(Buffer.from([0xf1, 0x80, 0, 0, 0, 0]))],
      [1003, "This endpoint takes text frames only", Talker, (client) => client.send(new Uint8Array(1))],
      [1003, "This endpoint takes JSON text frames only", Json, (client) => client.send(new Uint8Array(1))],
      [1007, "", Talker, (client) => client.websocket.send(Buffer.from([0xff]), { binary: false })],
      [1009, "", Talker, (client) => client.send("x".repeat(65_537))],
      [1011, "Internal error", Talker, (client) => client.send("hello")],
      [1012, "The server is restarting", Talker, (_, stop) => stop()],
      [
        1013,
        "Too many messages wait",
        Crowded,
        async (client, _, layer) => {
          client.send("hold");
          await client.next();
          for (let count = 0; count < 5; count += 1)
            await layer.groupSend("room_general", { type: "room_message" });
        },
      ],
      [
        3008,
        "Reads too slowly",
        Flood,
        async (client) => {
          leaving = gate();
          client.websocket.pause();
          client.send("more");
          await leaving.opened;
          client.websocket.resume();
        },
      ],
    ];
    for (const [code, reason, Consumer, deed] of cases) {
      it(`${code}: ${reason || "no reason"}`, async () => {
        const layer = new MemoryLayer();
        const { runtime, url } = await serve({ layers: { chat: layer } });
        runtime.route("/ws", Consumer as typeof Talker);
        const client = await Client.open(`${url}/ws`);
        await deed(client, () => runtime.close(), layer);
        const closed: Closed = await client.closed;
        expect(closed).to.deep.equal({ code, reason });
        if (reason === "") expect(reasonsOf(code)).to.deep.equal([]);
        else expect(reasonsOf(code)).to.include(reason);
      });
    }
  });
});
