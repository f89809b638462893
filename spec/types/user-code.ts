// Code of a user. Each line below a `@ts-expect-error` must be refused. It is compiled, not run.
import type { Server } from "node:http";
import { createSecureServer, type Http2SecureServer, type Http2Server } from "node:http2";
import type { Server as HttpsServer } from "node:https";
import {
  createRuntime,
  type Guard,
  groupName,
  handlers,
  JsonWebSocketConsumer,
  MemoryLayer,
  originGuard,
  type PresenceDiff,
  WebSocketConsumer,
} from "greenroom";

interface RoomMessages {
  room_message: { message: string; tags?: string[] };
}

class RoomChat extends WebSocketConsumer<{ messages: RoomMessages; params: "room_name" }> {
  static override readonly layer = "chat";
  static override readonly on = handlers<RoomChat>({
    room_message({ message }, { group }) {
      this.send(`${group} ${++this.#seen}: ${message}`);
    },
  });
  #seen = 0;
  readonly #group = `room_${this.scope.params.room_name}`;

  override async connect() {
    if (this.#seen > 9) this.reject(429, "Full", { headers: { "Retry-After": 5 } });
    await this.accept({ subprotocol: "chat", headers: { "Set-Cookie": ["a=1", "b=2"] } });
    await this.groupAdd(this.#group);
  }
  override async receive(text: string) {
    await this.groupSend(this.#group, { type: "room_message", message: text }, { except: this.channel });
  }
}

class Echo extends WebSocketConsumer {
  override receive(text: string) {
    this.send(text);
  }
}

interface LotMessages {
  bid: { by: string; amount: number };
  extend: { minutes: number };
}

class Bidder extends WebSocketConsumer<{ params: "lot" }> {
  readonly #lot = this.named<LotMessages, { amount: number }>("lot").get(this.scope.params.lot);

  override async receive(text: string) {
    const accepted: boolean = await this.#lot.ask<boolean>({ type: "bid", by: "ada", amount: 500 });
    await this.#lot.send({ type: "extend", minutes: Number(accepted) });
    const amount: number | undefined = (await this.#lot.view())?.amount;
    for await (const view of this.#lot.watch({ signal: this.signal })) this.send(`${view?.amount} ${amount}`);
    await this.named("lot").get("17").ask({ type: "bid", by: "ada", amount: 500 }, { timeoutMs: 1_000 });
    // @ts-expect-error the kind has no such message
    await this.#lot.send({ type: text });
    // @ts-expect-error a bid has an amount
    await this.#lot.send({ type: "bid", by: "ada" });
    // @ts-expect-error a message has a type
    await this.named("lot").get("17").send({ minutes: 5 });
  }
}
class Api extends JsonWebSocketConsumer<{ params: "id" }> {
  override receive(value: unknown) {
    this.sendJson({ id: this.scope.params.id, value });
  }
}

const runtime = createRuntime({ layers: { chat: new MemoryLayer<RoomMessages>() } });
runtime.route("/ws/lot/:lot", Bidder);
runtime.route("/ws/room/:room_name", RoomChat, { params: { room_name: groupName } });
runtime.route("/ws/echo", Echo);
runtime.route("/ws/api/:id/:rest", Api);
const actor = await runtime.spawn(RoomChat, { params: { room_name: "general" } });
actor.receive("hello");
await runtime.spawn(Echo);
await runtime.spawn(Echo, { snapshot: actor.snapshot() });
// @ts-expect-error a snapshot of XState
await runtime.spawn(Echo, { snapshot: actor.machineActor?.getPersistedSnapshot() });
await runtime.layers.chat.groupSend("room_general", { type: "room_message", message: "from a job" });
createRuntime({ layers: { chat: new MemoryLayer() }, control: "chat" });
// @ts-expect-error an unknown alias
createRuntime({ layers: { chat: new MemoryLayer() }, control: "chats" });
const answer: number = await runtime.ask<number>(actor.channel, { type: "room_message" }, { timeoutMs: 100 });
void answer;
// @ts-expect-error a message without a type
await runtime.send(actor.channel, { message: "hello" });
const metas: readonly { since: number }[] | undefined = runtime
  .presence<{ since: number }>("lobby")
  .get("anne");
void metas;
class Present extends WebSocketConsumer<{ messages: { presence_diff: PresenceDiff<{ since: number }> } }> {
  static override readonly on = handlers<Present>({
    presence_diff({ joins, leaves, changes }) {
      const times: readonly number[] = [...joins, ...leaves, ...changes].flatMap(({ metas }) =>
        metas.map(({ since }) => since),
      );
      void times;
      // @ts-expect-error a key has the metas of all its connections
      void joins[0]?.meta;
    },
  });
  override connect() {
    this.track("lobby", { since: 1 }, { key: "anne", graceMs: 10_000 });
    // @ts-expect-error a grace that is not a number
    this.track("lobby", {}, { graceMs: "10 s" });
  }
}
void Present;
const name: string = null as unknown as RoomChat["scope"]["params"]["room_name"];
void name;

class Missing extends WebSocketConsumer<{ messages: RoomMessages }> {
  // @ts-expect-error a type without a handler
  static override readonly on = handlers<Missing>({});
}

class Typo extends WebSocketConsumer<{ messages: RoomMessages }> {
  static override readonly on = handlers<Typo>({
    room_message() {},
    // @ts-expect-error a handler without a type
    room_mesage() {},
  });

  wrongPayload() {
    // @ts-expect-error the message is a string
    return this.groupSend("group", { type: "room_message", message: 1 });
  }
  wrongType() {
    // @ts-expect-error there is no such type
    return this.groupSend("group", { type: "room_mesage", message: "" });
  }
  wrongParam() {
    // @ts-expect-error it declares no parameter
    return this.scope.params.room_name;
  }
}

class Frozen extends WebSocketConsumer<{ messages: RoomMessages }> {
  static override readonly on = handlers<Frozen>({
    room_message(message) {
      // @ts-expect-error all members share the message
      message.message = "changed";
      // @ts-expect-error and every object in it
      message.tags?.push("changed");
    },
  });
}

class Archive extends WebSocketConsumer {
  static override readonly layer = "chat";
  static override readonly needs = ["history", "workers", "crossProcess"] as const;
}
runtime.route("/ws/archive", Archive);

const busy: Guard = () => ({ status: 503, reason: "Full", headers: { "Retry-After": 5, Via: "a" } });
// @ts-expect-error a header is a text, a number or an array of texts
const wrongHeader: Guard = () => ({ status: 503, reason: "Full", headers: { "Retry-After": null } });
createRuntime({ guards: [busy, wrongHeader, originGuard({ allow: ["https://*.example.com"] })] });

// @ts-expect-error a layer has no such capability
class Hopeful extends WebSocketConsumer {
  static override readonly needs = ["histroy"] as const;
}

// @ts-expect-error delivery is not a boolean
class Demanding extends WebSocketConsumer {
  static override readonly needs = ["delivery"] as const;
}

class Elsewhere extends WebSocketConsumer {
  static override readonly layer = "queue";
}
class Tableless extends WebSocketConsumer<{ messages: RoomMessages }> {}
// @ts-expect-error it declares messages and has no table for them
runtime.route("/ws/tableless", Tableless);
// @ts-expect-error there is no layer "queue"
runtime.route("/ws/elsewhere", Elsewhere);
// @ts-expect-error there is no layer "queue", also to spawn
await runtime.spawn(Elsewhere);
// @ts-expect-error the pattern lacks :room_name
runtime.route("/ws/room/:room", RoomChat);
// @ts-expect-error the pattern has no :seat to check
runtime.route("/ws/room/:room_name/x", RoomChat, { params: { seat: groupName } });
// @ts-expect-error it needs a room
await runtime.spawn(RoomChat, { params: {} });
// @ts-expect-error it needs both parameters
await runtime.spawn(RoomChat);
// @ts-expect-error the layer carries no such message
await runtime.layers.chat.groupSend("room_general", { type: "nope" });
// @ts-expect-error there is no such layer
runtime.layers.queue;
void [Missing, Typo, Frozen, Hopeful, Demanding];

// The types of the servers of Hono's `serve`, of Vite's `httpServer`, and of Fastify's `server`.
declare const honoServer: Server | Http2Server | Http2SecureServer;
declare const viteServer: Server | Http2SecureServer | null;
declare const fastifyServer: HttpsServer;
for (const server of [honoServer, viteServer, fastifyServer]) runtime.attach(server);
runtime.attach(createSecureServer({ allowHTTP1: true }));
// @ts-expect-error a runtime is not a server
runtime.attach(runtime);
