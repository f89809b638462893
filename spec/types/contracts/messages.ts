// Values that messages and JSON can hold, and values that they cannot. Each line below a `@ts-expect-error` must
// be refused.
import {
  type AnyMessages,
  contractConsumer,
  createRuntime,
  frames,
  type JobMessages,
  JsonWebSocketConsumer,
  MemoryLayer,
  type Message,
  messages,
  WebSocketConsumer,
} from "greenroom";
import { contract } from "greenroom/contract";
import { z } from "zod";

class Money {
  readonly cents: number;
  constructor(cents: number) {
    this.cents = cents;
  }
  format() {
    return `${this.cents / 100} €`;
  }
}
interface Line {
  readonly sku: string;
  readonly count: number;
  readonly parts?: readonly Line[];
}
interface Order {
  readonly type: "order";
  readonly lines: readonly Line[];
  readonly note: string | undefined;
  readonly failure: { name: string; message: string };
}
declare const order: Order;
declare const delivered: Message;
declare const untrusted: unknown;
declare const mixed: string | Date;
const everything = {
  type: "all",
  nothing: null,
  absent: undefined,
  yes: true,
  number: 1.5,
  big: 12n,
  text: "a",
  bytes: new Uint8Array(1),
  buffer: Buffer.from("a"),
  list: [1, "a", null, [new Uint8Array(1)]],
  pair: ["a", 1] as const,
  byName: { a: [order] } as Record<string, Order[]>,
  object: {} as object,
  untrusted,
};

// ---- a layer without declared messages
const layer = new MemoryLayer();
await layer.groupSend("g", everything);
await layer.groupSend("g", order);
await layer.groupSend("g", delivered, { except: "n!1" });
await layer.groupSend("g", { ...delivered, at: Date.now() });
await layer.send("n!1", everything, { replyTo: "n!2" });
// @ts-expect-error a Date
await layer.groupSend("g", { type: "a", at: new Date() });
// @ts-expect-error a Date in an array in an object
await layer.groupSend("g", { type: "a", of: { list: [{ at: new Date() }] } });
// @ts-expect-error a Date, or a text
await layer.groupSend("g", { type: "a", mixed });
// @ts-expect-error a Map
await layer.groupSend("g", { type: "a", map: new Map<string, number>() });
// @ts-expect-error a Set
await layer.groupSend("g", { type: "a", list: [new Set<string>()] });
// @ts-expect-error an instance of a class with methods
await layer.groupSend("g", { type: "a", price: new Money(3) });
// @ts-expect-error an error
await layer.groupSend("g", { type: "a", error: new Error("a") });
// @ts-expect-error a function
await layer.groupSend("g", { type: "a", run() {} });
// @ts-expect-error a class
await layer.groupSend("g", { type: "a", Money });
// @ts-expect-error a symbol
await layer.groupSend("g", { type: "a", mark: Symbol("a") });
// @ts-expect-error a promise
await layer.groupSend("g", { type: "a", later: Promise.resolve(1) });
// @ts-expect-error numbers that are not bytes
await layer.groupSend("g", { type: "a", numbers: new Float64Array(1) });
// @ts-expect-error an iterator
await layer.groupSend("g", { type: "a", keys: [1].values() });
// @ts-expect-error a message without a type
await layer.groupSend("g", { text: "a" });
// @ts-expect-error a Date, directly to a channel
await layer.send("n!1", { type: "a", at: new Date() });

// ---- a layer with declared messages
interface Declared extends Pick<JobMessages, "job_done"> {
  said: { from: string; at?: number; order?: Order };
  closed: object;
  late: { at: Date };
  listed: { prices: Money[] };
}
const declared = new MemoryLayer<Declared>();
await declared.groupSend("g", { type: "said", from: "ada", order });
await declared.groupSend("g", { type: "closed" });
await declared.groupSend("g", { type: "job_done", job: "1", value: untrusted });
// @ts-expect-error a property that the message does not have
await declared.groupSend("g", { type: "said", from: "ada", to: "bob" });
// @ts-expect-error a payload of another type
await declared.groupSend("g", { type: "said", from: 1 });
// @ts-expect-error the declared message has a Date
await declared.groupSend("g", { type: "late", at: new Date() });
// @ts-expect-error the declared message has instances of a class
await declared.send("n!1", { type: "listed", prices: [new Money(3)] });

// ---- a runtime, and an actor
const runtime = createRuntime({ layers: { open: layer, declared } });
await runtime.layers.open.groupSend("g", order);
await runtime.layers.declared.groupSend("g", { type: "said", from: "ada" });
// @ts-expect-error a Map
await runtime.layers.open.groupSend("g", { type: "a", map: new Map() });
await runtime.send("n!1", order);
await runtime.askGroup("g", everything, { layer: "open" });
await runtime.submit("jobs", order, { layer: "open" });
const answer: unknown = await runtime.ask("n!1", everything);
const counted: number = await runtime.ask<number>("n!1", { type: "count", of: "a" });
const inferred: number = await runtime.ask("n!1", { type: "count" });
void [answer, counted, inferred];
// @ts-expect-error a Date
await runtime.send("n!1", { type: "a", at: new Date() });
// @ts-expect-error a Map
await runtime.ask("n!1", { type: "a", map: new Map() });
// @ts-expect-error a function
await runtime.askGroup("g", { type: "a", run: () => 1 });
// @ts-expect-error an instance of a class
await runtime.submit("jobs", { type: "a", price: new Money(3) });
class Silent extends WebSocketConsumer {}
const actor = await runtime.spawn(Silent);
actor.send(order);
await actor.ask<number>({ type: "count" });
// @ts-expect-error a Date
actor.send({ type: "a", at: new Date() });
// @ts-expect-error a Set
await actor.ask({ type: "a", set: new Set() });

// ---- consumers
class Sender extends JsonWebSocketConsumer<{ messages: Declared }> {
  override async receive(value: unknown) {
    await this.groupSend("g", { type: "said", from: "ada", order });
    await this.sendTo("n!1", order);
    await this.sendTo("n!1", { type: "a", value });
    await this.submit("jobs", everything);
    await this.askGroup("g", order);
    const one: number = await this.ask<number>("n!1", { type: "a", value });
    this.sendJson([one, await this.ask("n!1", order)]);
    // @ts-expect-error the declared message has a Date
    await this.groupSend("g", { type: "late", at: new Date() });
    // @ts-expect-error a property that the message does not have
    await this.groupSend("g", { type: "said", from: "ada", to: "bob" });
    // @ts-expect-error a Date
    await this.sendTo("n!1", { type: "a", at: new Date() });
    // @ts-expect-error a Map
    await this.ask("n!1", { type: "a", map: new Map() });
    // @ts-expect-error a Set in an array
    await this.askGroup("g", { type: "a", list: [new Set()] });
    // @ts-expect-error an instance of a class
    await this.submit("jobs", { type: "a", price: new Money(3) });
    // @ts-expect-error an error
    await this.layers.open?.groupSend("g", { type: "a", error: new TypeError("a") });
  }
}
class Anything extends WebSocketConsumer<{ messages: AnyMessages }> {
  override async connect() {
    await this.groupSend("g", order);
    // @ts-expect-error a Date
    await this.groupSend("g", { type: "a", at: new Date() });
  }
}

// ---- JSON
class Json extends JsonWebSocketConsumer {
  override receive(value: unknown) {
    this.sendJson(value);
    this.sendJson(order);
    this.sendJson("text");
    this.sendJson(null);
    this.sendJson(12n);
    this.sendJson([...new Map([["a", order]])]);
    this.sendJson({ at: new Date(), url: new URL("http://localhost"), big: 1n, absent: undefined, value });
    this.sendJson({ note: value === 1 ? "one" : undefined, failure: { name: "a", message: "b" } });
    this.sendJson({ ...new Money(3) });
    // @ts-expect-error JSON holds no undefined
    this.sendJson(undefined);
    // @ts-expect-error a Map
    this.sendJson(new Map<string, number>());
    // @ts-expect-error a Map in an object
    this.sendJson({ of: { map: new Map<string, number>() } });
    // @ts-expect-error a Set in an array
    this.sendJson([new Set([1])]);
    // @ts-expect-error an error
    this.sendJson({ error: new Error("a") });
    // @ts-expect-error bytes
    this.sendJson({ bytes: new Uint8Array(1) });
    // @ts-expect-error bytes with a toJSON of their own
    this.sendJson({ bytes: Buffer.from("a") });
    // @ts-expect-error a buffer
    this.sendJson(new ArrayBuffer(1));
    // @ts-expect-error a function
    this.sendJson({ run() {} });
    // @ts-expect-error a symbol
    this.sendJson([Symbol("a")]);
    // @ts-expect-error undefined in an array
    this.sendJson({ list: [1, undefined] });
    // @ts-expect-error a promise
    this.sendJson({ later: Promise.resolve(1) });
  }
}

const board = contract({
  path: "/board",
  client: {},
  server: {
    line: z.custom<Line>(),
    at: z.object({ at: z.date(), big: z.bigint(), maybe: z.string().optional() }),
    any: z.unknown(),
    map: z.object({ map: z.map(z.string(), z.number()) }),
    sets: z.array(z.set(z.string())),
    list: z.array(z.string().or(z.undefined())),
    bytes: z.object({ bytes: z.instanceof(Uint8Array) }),
  },
});
class Board extends contractConsumer(board) {
  static override readonly frames = frames<Board>({});
  override connect() {
    this.send("line", { sku: "a", count: 1, parts: order.lines });
    this.send("at", { at: new Date(), big: 1n });
    this.send("any", untrusted);
    // @ts-expect-error a Map
    this.send("map", { map: new Map() });
    // @ts-expect-error sets
    this.send("sets", [new Set()]);
    // @ts-expect-error undefined in an array
    this.send("list", ["a", undefined]);
    // @ts-expect-error bytes
    this.send("bytes", { bytes: new Uint8Array(1) });
  }
}

// ---- schemas of messages
interface Shapes {
  said: { text: string; tags?: readonly string[] };
  counted: { readonly count: number };
  any: { at: unknown };
}
const text = z.object({ text: z.string() });
class Shaped extends WebSocketConsumer<{ messages: Shapes }> {
  static override readonly messages = messages<Shaped>({
    said: text,
    counted: z.object({ count: z.literal([1, 2]) }),
    any: z.object({ at: z.coerce.number() }),
  });
}
class Few extends contractConsumer(board)<{ messages: Shapes }> {
  static override readonly messages = messages<Few>({
    said: text.extend({ tags: z.array(z.string()).readonly(), more: z.number() }),
  });
}
class Misshaped extends WebSocketConsumer<{ messages: Shapes }> {
  static override readonly messages = messages<Misshaped>({
    // @ts-expect-error the handler expects a text
    said: z.object({ text: z.number() }),
    // @ts-expect-error the schema takes texts, and the handler gets them as they are
    counted: z.object({ count: z.string().transform(Number) }),
  });
}
class Misspelt extends WebSocketConsumer<{ messages: Shapes }> {
  // @ts-expect-error a type that is not declared
  static override readonly messages = messages<Misspelt>({ sayd: text });
}
class Lax extends WebSocketConsumer<{ messages: Shapes }> {
  static override readonly messages = messages<Lax>({
    // @ts-expect-error the schema takes a message without a text
    said: z.object({ text: z.string().default("") }),
  });
}
void [Sender, Anything, Json, Board, Shaped, Few, Misshaped, Misspelt, Lax];
