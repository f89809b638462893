import { randomUUID } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import {
  type ConsumerClass,
  createRuntime,
  type Layers,
  MemoryLayer,
  type RuntimeOptions,
  WebSocketConsumer,
} from "greenroom";
import { RedisPubSubLayer } from "greenroom/redis";
import { until } from "../layers/support/until.ts";
import { opened, stopCluster } from "../runtime/support/cluster.ts";
import { run } from "../support/child-process.ts";
import { freePort } from "../support/free-port.ts";
import { quotedIn, rowsOf } from "../support/markdown-table.ts";
import { startRedisServer } from "../support/redis-server.ts";
import { chat } from "../support/serving.ts";
import { fullRedis, namedErrors } from "./support/named-errors.ts";

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

/** The error of a call: its promise rejects, or it throws. */
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

/** The texts that the page quotes, each with the code that provokes it. */
const errors: Readonly<Record<string, () => Promise<string>>> = {
  "a name that no group can have": () =>
    said(() => new MemoryLayer().groupSend("room general", { type: "room_message" })),
  "a value that no message can hold": () =>
    said(() => new MemoryLayer().groupSend("g", { type: "room_message", at: new Date() as unknown })),
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
  "a handler that blocks the event loop": async () => {
    const heard: string[] = [];
    const runtime = runtimeOf(chat(), { onError: (error) => heard.push((error as Error).message) });
    const Chat = roomChat({});
    Object.assign(Chat.prototype, {
      receive() {
        const end = performance.now() + 60;
        while (performance.now() < end);
      },
    });
    const actor = await runtime.spawn(Chat as never);
    actor.receive("hello");
    return String(heard[0]);
  },
};

const pages = ["troubleshooting", "troubleshoot-named-actors", "fix-type-errors"];

describe(`docs/guides/{${pages}}.md`, () => {
  /** The texts in grey. */
  let shown: readonly string[];
  const found = new Set<string>();
  before(async () => {
    const texts = await Promise.all(
      pages.map((page) => readFile(join(root, `docs/guides/${page}.md`), "utf8")),
    );
    shown = [...texts.join("\n").matchAll(/```text\n(.*?)\n```/gs)].map(([, text = ""]) => text);
  });
  afterEach(stopCluster);

  const isShown = (text: string) => {
    expect(shown).to.include(text);
    found.add(text);
  };
  describe("shows to the letter what is said of", () => {
    for (const [what, provoke] of Object.entries({ ...errors, ...namedErrors })) {
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
      this.timeout(180_000);
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
        expect(ofCompiler, stdout).to.have.length(6);
        for (const text of ofCompiler) isShown(text);
      } finally {
        await rm(folder, { recursive: true });
      }
    });

    it("a message to a named actor that a full Redis refuses, but for its details", async () => {
      expect(await fullRedis()).to.match(/^The message was not stored: .* OOM /);
    });

    it("nothing else", () => {
      expect(shown.filter((text) => !found.has(text))).to.deep.equal([]);
    });
  });
});

describe("docs/guides/fix-type-errors.md", () => {
  it("lists every property whose name states the reason of a type error", async () => {
    const page = await readFile(join(root, "docs/guides/fix-type-errors.md"), "utf8");
    const listed = rowsOf(page, "property", "solution").flatMap(([names]) => quotedIn(names));
    const declared = new Set<string>();
    const names = /(?<=\breadonly )[a-z]+(_[a-z]+)+(?=:)|(?<=")(the(_[a-z]+){3,})(?=")/g;
    for (const folder of ["actors", "asyncapi", "client", "contract", "inspector", "layers", "runtime"]) {
      for (const file of await readdir(join(root, folder), { recursive: true })) {
        if (!file.endsWith(".ts")) continue;
        const source = await readFile(join(root, folder, file), "utf8");
        const code = source.replaceAll(/^ *(\*|\/\/).*$/gm, "");
        for (const [name] of code.matchAll(names)) declared.add(name);
      }
    }
    expect(listed.sort()).to.deep.equal([...declared].sort());
  });
});

describe("docs/reference/error-codes.md", () => {
  it("lists every code of the client", async () => {
    const page = await readFile(join(root, "docs/reference/error-codes.md"), "utf8");
    const files = await readdir(join(root, "client"), { recursive: true });
    const sources = files.filter((name) => name.endsWith(".ts"));
    const texts = await Promise.all(sources.map((name) => readFile(join(root, "client", name), "utf8")));
    const codes = new Set(
      texts.flatMap((text) => [...text.matchAll(/"(ERR_\w+)"/g)].map(([, code]) => code)),
    );
    const listed = rowsOf(page, "code of the client", "class").flatMap(([code]) => quotedIn(code));
    expect(listed).to.deep.equal([...codes].sort());
  });

  it("lists every error code, with its class", async () => {
    const page = await readFile(join(root, "docs/reference/error-codes.md"), "utf8");
    const { exports } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
    const entries = Object.keys(exports).filter((path) => !path.endsWith(".json"));
    const codes = new Map<string, string>();
    // This file may have been given another copy of the package.
    const { GreenroomError } = await import("greenroom");
    for (const entry of entries) {
      const module: Record<string, unknown> = await import(join("greenroom", entry));
      for (const [name, exported] of Object.entries(module)) {
        if (typeof exported !== "function" || !(exported.prototype instanceof GreenroomError)) continue;
        const { code } = Reflect.construct(exported, [name === "ChildFailedError" ? [] : "", ""]);
        codes.set(code, name);
      }
    }
    const sorted = [...codes].sort(([one], [other]) => (one < other ? -1 : 1));
    expect(
      rowsOf(page, "code", "class").map(([code, name]) => [...quotedIn(code), ...quotedIn(name)]),
    ).to.deep.equal(sorted);
  });
});

const refused = `import { contractConsumer, createRuntime, handlers, MemoryLayer, relay, WebSocketConsumer } from "greenroom";
import { contract } from "greenroom/contract";
import { z } from "zod";

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
const talk = contract({ path: "/talk", client: {}, server: { said: z.object({ text: z.string() }) } });
class Talk extends contractConsumer(talk)<{ messages: { said: { message: string } } }> {
  static override readonly on = handlers<Talk>({ said: relay });
}
createRuntime({ layers: { chat: new MemoryLayer() } }).route("/ws/:room", RoomChat);
createRuntime({ layers: { chats: new MemoryLayer() } }).route("/ws/:room_name", RoomChat);
void [Refused, Talk, Unmarked, Widened];
`;
