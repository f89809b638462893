import { randomUUID } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import {
  CloseCode,
  type ConsumerClass,
  createRuntime,
  type Effect,
  type Guard,
  groupName,
  JsonWebSocketConsumer,
  type Layers,
  MemoryLayer,
  machineConsumer,
  originGuard,
  type RuntimeOptions,
  WebSocketConsumer,
} from "greenroom";
import { RedisPubSubLayer } from "greenroom/redis";
import { setup } from "xstate";
import { until } from "../layers/support/until.ts";
import { opened, stopCluster } from "../runtime/support/cluster.ts";
import { nextTurn } from "../runtime/support/speakers.ts";
import { run } from "../support/child-process.ts";
import { Client, type Closed } from "../support/client.ts";
import { freePort } from "../support/free-port.ts";
import { gate } from "../support/gate.ts";
import { startRedisServer } from "../support/redis-server.ts";
import { chat, serve, stopServing } from "../support/serving.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** A class by the name that the page's texts have. */
class RoomChat extends WebSocketConsumer {
  static override readonly layer: string | undefined = "chat";
}
const roomChat = (statics: object, connect?: (this: RoomChat) => unknown): ConsumerClass => {
  const Chat = class RoomChat extends WebSocketConsumer {};
  Object.assign(Chat, { layer: "chat" }, statics);
  if (connect !== undefined) Object.assign(Chat.prototype, { connect });
  return Chat;
};

/** What is said where something fails: a promise rejects, or a call throws. */
async function said(failing: () => unknown): Promise<string> {
  try {
    await failing();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("Nothing failed.");
}

/** With the port of the page, and the first of the two connections. */
const atHome = (text: string, port: number) =>
  text.replaceAll(`:${port}`, ":6379").replace("(subscriber)", "(publisher)");

const runtimeOf = (layers: Layers, options: RuntimeOptions<Layers> = {}) =>
  opened(createRuntime({ layers, onError() {}, ...options })) as ReturnType<typeof createRuntime>;

/** What the page shows, each as it comes about. */
const errors: Readonly<Record<string, () => Promise<string>>> = {
  "a name that no group can have": () =>
    said(() => new MemoryLayer().groupSend("room general", { type: "room_message" })),
  "a value that no message can hold": () =>
    said(() => new MemoryLayer().groupSend("g", { type: "room_message", at: new Date() })),
  "a frame before accept": () =>
    said(() =>
      runtimeOf(chat()).spawn(
        roomChat({}, function () {
          this.send("too early");
        }),
      ),
    ),
  "a layer that reaches no other process": () =>
    said(() => runtimeOf(chat()).route("/ws", roomChat({ needs: ["crossProcess"] }))),
  "no prefix": () => said(() => new RedisPubSubLayer({ url: "redis://localhost" } as never)),
  "another alias": () => said(() => runtimeOf({ chats: new MemoryLayer() }).route("/ws", RoomChat as never)),
  "no layers": () => said(() => runtimeOf({}).route("/ws", RoomChat as never)),
  "another control layer": () =>
    said(() => runtimeOf({ chats: new MemoryLayer() }, { control: "chat" as never })),
  "a group without a layer": () =>
    said(() =>
      runtimeOf(chat()).spawn(
        roomChat({ layer: undefined }, function () {
          return this.groupAdd("g");
        }),
      ),
    ),
  "no Redis": async () => {
    const port = await freePort();
    const layer = new RedisPubSubLayer({ url: `redis://127.0.0.1:${port}`, prefix: "chat" });
    return atHome(await said(() => runtimeOf({ chat: layer }).ready()), port);
  },
  "a wrong password": async () => {
    const redis = await startRedisServer({ password: "right" });
    const url = `redis://:wrong@127.0.0.1:${redis.port}`;
    const runtime = runtimeOf({ chat: new RedisPubSubLayer({ url, prefix: "chat" }) });
    const text = await said(() => runtime.ready());
    await redis.stop();
    return atHome(text, redis.port);
  },
  "an actor that asks itself": () =>
    said(() =>
      runtimeOf(chat()).spawn(
        roomChat({}, function () {
          return this.ask(this.channel, { type: "room_message" });
        }),
      ),
    ),
  "a handler that takes too long": async () => {
    const heard: string[] = [];
    const runtime = runtimeOf(chat(), { onError: (error) => heard.push((error as Error).message) });
    class Patient extends WebSocketConsumer {
      static override readonly handlerTimeoutMs = 100;
      override receive() {
        return new Promise<void>(() => {});
      }
    }
    const actor = await runtime.spawn(Patient as never);
    actor.receive("hello");
    await actor.done;
    return String(heard[0]);
  },
};

describe("docs/troubleshooting.md", () => {
  let page: string;
  /** The texts in grey. */
  let shown: readonly string[];
  const found = new Set<string>();
  before(async () => {
    page = await readFile(join(root, "docs/troubleshooting.md"), "utf8");
    shown = [...page.matchAll(/```text\n(.*?)\n```/gs)].map(([, text = ""]) => text);
  });
  afterEach(async () => {
    await stopServing();
    await stopCluster();
  });

  const isShown = (text: string) => {
    expect(shown).to.include(text);
    found.add(text);
  };
  /** The cells of the rows of a table, whose heading begins so. */
  const rows = (heading: string): string[][] => {
    const [, table = ""] = new RegExp(`\\n\\| ${heading} .*\\n\\|[-|]*\\n((?:\\|.*\\n)*)`).exec(page) ?? [];
    return table
      .trim()
      .split("\n")
      .map((row) => row.split(/ ?(?<!\\)\| ?/).slice(1, -1));
  };
  const inQuotes = (cell = "") => [...cell.matchAll(/`(.*?)`/g)].map(([, text]) => text);

  describe("shows to the letter what is said of", () => {
    for (const [what, provoke] of Object.entries(errors)) {
      it(what, async () => isShown(await provoke()));
    }

    it("a Redis that goes away", async () => {
      const redis = await startRedisServer();
      const heard: string[] = [];
      const layer = new RedisPubSubLayer({ url: redis.url, prefix: randomUUID() });
      const runtime = runtimeOf(
        { chat: layer },
        { onError: (error) => heard.push((error as Error).message) },
      );
      await runtime.ready();
      await redis.stop();
      await until(() => heard.some((text) => text.includes("(publisher): connect ECONNREFUSED")));
      isShown(atHome(String(heard[0]), redis.port));
      isShown(atHome(await said(() => layer.groupSend("g", { type: "room_message" })), redis.port));
      expect(layer.health.ok).to.equal(false);
    });

    it("code that the compiler refuses", async function () {
      this.timeout(60_000);
      const folder = await mkdtemp(join(root, ".tmp-docs-"));
      try {
        await writeFile(join(folder, "refused.ts"), refused);
        const config = {
          extends: "../tsconfig.json",
          include: ["*.ts"],
          compilerOptions: { noUnusedLocals: false },
        };
        await writeFile(join(folder, "tsconfig.json"), JSON.stringify(config));
        const { stdout } = await run(join(root, "node_modules/.bin/tsc"), [
          "-p",
          folder,
          "--pretty",
          "false",
        ]).catch((failure) => failure);
        const lines = String(stdout)
          .split("\n")
          .map((line) => line.replace(/^.*?: (?=error TS)/, "").trim());
        const ofCompiler = shown.filter((text) => lines.includes(text));
        expect(ofCompiler, stdout).to.have.length(5);
        for (const text of ofCompiler) isShown(text);
      } finally {
        await rm(folder, { recursive: true });
      }
    });

    it("nothing else", () => {
      expect(shown.filter((text) => !found.has(text))).to.deep.equal([]);
    });
  });

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
    const { runtime, url } = await serve({ layers: {}, guards, connectTimeoutMs: 50 });
    runtime.route("/ws/room/:room_name", Guest, { params: { room_name: groupName } });
    const own = { headers: { Origin: url } };
    const answer = async (path: string, options: object = own) => {
      const { status, body } = await Client.refused(`${url}${path}`, options);
      return [String(status), body];
    };
    const upgradeRequired = await fetch(`${url}/ws/room/a`, own);
    const answers = [
      await answer("/ws/room/%ZZ"),
      await answer("/ws/room/%20"),
      await answer("/ws/room/a", { headers: { Origin: "https://elsewhere.example" } }),
      await answer("/ws/room/a", {}),
      await answer("/ws/Room/a"),
      [String(upgradeRequired.status), (await upgradeRequired.text()).trim()],
      await answer("/ws/room/a?fail"),
      await answer("/ws/room/a?slow"),
    ];
    const client = await Client.open(`${url}/ws/room/a`, [], own);
    client.send("hold");
    await until(() => runtime.size === 1);
    const closing = runtime.close();
    answers.push(await answer("/ws/room/a"));
    held.open();
    await closing;
    expect(rows("status").map(([status, text]) => [status, ...inQuotes(text)])).to.deep.equal(answers);
  });

  describe("says of each close code", () => {
    const reasonsOf = (code: number) =>
      inQuotes(rows("code \\| reason").find(([cell]) => cell === String(code))?.[1]);

    it("of this package, and of WebSocket where it comes up, a line", () => {
      const codes = new Set<number>([...Object.values(CloseCode), 1001, 1002, 1007, 1008, 1009]);
      const listed = rows("code \\| reason").map(([code]) => code);
      expect(listed).to.deep.equal([...[...codes].sort((a, b) => a - b).map(String), "4000 to 4999"]);
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
        this.send("here");
      }
      override receive() {
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

  it("lists every error code, with its class", async () => {
    const { exports } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
    const entries = Object.keys(exports).filter((path) => !path.endsWith(".json"));
    const codes = new Map<string, string>();
    // This file may have been given another copy of the package.
    const { GreenroomError } = await import("greenroom");
    for (const entry of entries) {
      const module: Record<string, unknown> = await import(join("greenroom", entry));
      for (const [name, exported] of Object.entries(module)) {
        if (typeof exported !== "function" || !(exported.prototype instanceof GreenroomError)) continue;
        const { code } = Reflect.construct(exported, ["", ""]);
        codes.set(code, name);
      }
    }
    const sorted = [...codes].sort(([one], [other]) => (one < other ? -1 : 1));
    expect(
      rows("code \\| class").map(([code, name]) => [...inQuotes(code), ...inQuotes(name)]),
    ).to.deep.equal(sorted);
  });
});

const refused = `import { createRuntime, handlers, MemoryLayer, WebSocketConsumer } from "greenroom";

interface Messages {
  room_message: { text: string };
}
class Chat extends WebSocketConsumer<{ messages: Messages; params: "room_name" }> {
  static override readonly layer = "chat";
  static override readonly on = handlers<Chat>({ room_message() {} });
}
namespace Refused {
  export class RoomChat extends WebSocketConsumer<{ messages: Messages }> {
    static override readonly on = handlers<RoomChat>({});
  }
}
class RoomChat extends Chat {}
class Unmarked extends WebSocketConsumer {
  static layer = "chat";
}
class Widened extends WebSocketConsumer {
  static override readonly supervision = { onFailure: "resume" };
}
createRuntime({ layers: { chat: new MemoryLayer() } }).route("/ws/:room", RoomChat);
createRuntime({ layers: { chats: new MemoryLayer() } }).route("/ws/:room_name", RoomChat);
void [Refused, Unmarked, Widened];
`;
