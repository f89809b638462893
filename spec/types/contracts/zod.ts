// Contracts with zod on both ends. Each line below a `@ts-expect-error` must be refused.

import {
  contractConsumer,
  createRuntime,
  type DeepReadonly,
  FrameError,
  type FrameHandlers,
  frames,
  type Guard,
  handlers,
  MemoryLayer,
  relay,
  relayAs,
} from "greenroom";
import { type Client, connect } from "greenroom/client";
import { type Contract, contract } from "greenroom/contract";
import { communicate } from "greenroom/testing";
import { z } from "zod";

export const auction = contract({
  path: "/ws/auction/:lot/:seat",
  params: z.object({ lot: z.string().regex(/^\d+$/), seat: z.string().transform(Number) }),
  client: {
    bid: z.object({ amount: z.number(), at: z.string().transform((text) => new Date(text)) }),
    tag: z.string(),
    count: { payload: z.object({}), reply: z.object({ members: z.number() }) },
    echo: { payload: z.string(), reply: z.string() },
  },
  server: { sold: z.object({ to: z.string() }), price: z.number() },
});

interface User {
  readonly id: string;
}
interface Messages {
  sold: { to: string };
  bought: { to: string; for: number };
  closed: { why: string };
}

// ---- the server
export class Auction extends contractConsumer(auction)<{ messages: Messages; user: User }> {
  static override readonly layer = "sales";
  static override readonly frames = frames<Auction>({
    async bid({ amount, at }) {
      const time: number = at.getTime();
      if (amount > this.seat) throw new FrameError("too_high", "Bid less", { most: this.seat, time });
      await this.groupSend(this.scope.params.lot, { type: "sold", to: this.scope.user.id });
    },
    tag: (text) => text.trim(),
    count: () => ({ members: 3 }),
    echo: async (text) => text,
  });
  static override readonly on = handlers<Auction>({
    sold: relay,
    bought: relayAs("sold"),
    closed({ why }) {
      this.send("sold", { to: why });
      this.send("price", 3);
    },
  });
  readonly seat: number = this.scope.params.seat;
}
export type Read = DeepReadonly<Messages>;
export type Table = FrameHandlers<typeof auction>;

class Lacking extends contractConsumer(auction) {
  // @ts-expect-error frames without a handler
  static override readonly frames = frames<Lacking>({ bid() {} });
}
class Excessive extends contractConsumer(auction) {
  static override readonly frames = frames<Excessive>({
    bid() {},
    tag() {},
    count: () => ({ members: 3 }),
    echo: (text) => text,
    // @ts-expect-error a handler without a frame
    bet() {},
  });
}
class Misread extends contractConsumer(auction) {
  static override readonly frames = frames<Misread>({
    // @ts-expect-error the payload has a number
    bid({ amount }: { amount: string }) {
      amount.trim();
    },
    // @ts-expect-error a reply of the wrong shape
    count: () => ({ members: "three" }),
    // @ts-expect-error a promise of the wrong reply
    echo: async () => 3,
    tag(text) {
      // @ts-expect-error the payload is a text
      text.toFixed();
    },
  });
}
class Replyless extends contractConsumer(auction) {
  static override readonly frames = frames<Replyless>({
    bid() {},
    tag() {},
    // @ts-expect-error a frame that asks needs a reply
    count() {},
    echo: (text) => text,
  });
}
class Sending extends contractConsumer(auction)<{ messages: Messages }> {
  override connect() {
    // @ts-expect-error a payload of the wrong shape
    this.send("sold", { to: 3 });
    // @ts-expect-error a payload that is missing
    this.send("sold");
    // @ts-expect-error a property that the frame does not have
    this.send("sold", { to: "ada", by: "bob" });
    // @ts-expect-error a bare payload of the wrong type
    this.send("price", "3");
    // @ts-expect-error a frame of the client
    this.send("bid", { amount: 3 });
    // @ts-expect-error a frame of the protocol
    this.send("greenroom.error", {});
    // @ts-expect-error a message that is not declared
    void this.groupSend("g", { type: "gone" });
    // @ts-expect-error a parameter that the path lacks
    void this.scope.params.room;
    // @ts-expect-error the schema gives a number
    void this.scope.params.seat.trim();
    // @ts-expect-error without a declared user, it is unknown
    void this.scope.user.id;
  }
}
class WrongRelay extends contractConsumer(auction)<{ messages: { sold: { to: number } } }> {
  // @ts-expect-error the message is not what the frame is
  static override readonly on = handlers<WrongRelay>({ sold: relay });
}
class UnknownRelay extends contractConsumer(auction)<{ messages: Messages }> {
  static override readonly on = handlers<UnknownRelay>({
    sold: relay,
    // @ts-expect-error the server has no frame of this name
    bought: relay,
    // @ts-expect-error the message is not what the frame is
    closed: relayAs("sold"),
  });
}
class OtherRelay extends contractConsumer(auction)<{ messages: { bought: { to: string } } }> {
  // @ts-expect-error the server has no such frame
  static override readonly on = handlers<OtherRelay>({ bought: relayAs("bought") });
}
class MixedRelay extends contractConsumer(auction)<{ messages: { sold: { to: string } | { to: number } } }> {
  // @ts-expect-error only one kind of the message is what the frame is
  static override readonly on = handlers<MixedRelay>({ sold: relay });
}

// ---- routes
const authenticate: Guard<User> = () => ({ user: { id: "ada" } });
const runtime = createRuntime({ layers: { sales: new MemoryLayer<Messages>() }, guards: [authenticate] });
runtime.route(Auction);
runtime.route(Auction, { replace: true });
await runtime.spawn(Auction, { params: { lot: "7", seat: "3" }, user: { id: "ada" } });
communicate(Auction, { params: { lot: "7", seat: "3" }, user: { id: "ada" } });
// @ts-expect-error the path comes from the contract
runtime.route("/ws/auction/:lot/:seat", Auction);
// @ts-expect-error the schema of the contract checks the parameters
runtime.route(Auction, { params: { lot: () => undefined } });
// @ts-expect-error no guard finds a user
createRuntime({ layers: { sales: new MemoryLayer() } }).route(Auction);
// @ts-expect-error there is no such layer
createRuntime({ guards: [authenticate] }).route(Auction);
// @ts-expect-error the parameters are texts before the schema
await runtime.spawn(Auction, { params: { lot: "7", seat: 3 }, user: { id: "ada" } });
// @ts-expect-error it needs parameters
await runtime.spawn(Auction, { user: { id: "ada" } });
// @ts-expect-error it needs parameters
communicate(Auction, { user: { id: "ada" } });
class Frameless extends contractConsumer(auction) {}
// @ts-expect-error it has no handlers of frames
runtime.route(Frameless);
class Tableless extends contractConsumer(auction)<{ messages: Messages }> {
  static override readonly frames = Auction.frames;
}
// @ts-expect-error it declares messages and has no handlers of them
runtime.route(Tableless);

// ---- the browser
const client = connect(auction, { params: { lot: "7", seat: "3" } });
client.on("sold", ({ to }) => to.trim());
client.on("price", (price) => price.toFixed());
await client.send("bid", { amount: 3, at: "2026-01-01" });
await client.send("tag", "a", { repeatable: true });
const { members } = await client.ask("count", {}, { timeoutMs: 100 });
members.toFixed();
const text: string = await client.ask("echo", "a");
for await (const { to } of client.events("sold")) to.trim();
const same: Client<typeof auction> = client;
void [text, same];
// @ts-expect-error a frame that the contract does not have
void client.send("bidd", { amount: 3, at: "" });
// @ts-expect-error a payload of the wrong shape
void client.send("bid", { amount: "3", at: "" });
// @ts-expect-error the client sends what the schema takes
void client.send("bid", { amount: 3, at: new Date() });
// @ts-expect-error a payload that is missing
void client.send("bid");
// @ts-expect-error a frame of the server
void client.send("sold", { to: "ada" });
// @ts-expect-error `bid` has no reply
void client.ask("bid", { amount: 3, at: "" });
// @ts-expect-error a reply has a number
(await client.ask("count", {})).members.trim();
// @ts-expect-error the server never sends that
client.on("bid", () => {});
// @ts-expect-error the payload is an object with a text
client.on("sold", ({ to }) => to.toFixed());
// @ts-expect-error the server never sends that
client.events("bid");
// @ts-expect-error params are missing
connect(auction, {});
// @ts-expect-error a parameter is missing
connect(auction, { params: { lot: "7" } });
// @ts-expect-error a parameter is a text
connect(auction, { params: { lot: "7", seat: 3 } });
// @ts-expect-error a parameter that the path lacks
connect(auction, { params: { lot: "7", seat: "3", room: "general" } });
// @ts-expect-error not a contract
connect({ path: "/a" }, {});

// ---- contracts
const empty = z.object({});
const withType = z.object({ type: z.string() });
const maybeWithType = z.union([z.object({ to: z.string() }), z.object({ type: z.string() })]);
const withId = z.object({ id: z.string() });
const transforms = z.string().transform(Number);
const deepTransforms = z.object({ at: z.array(z.string().transform(Number)) });
const defaults = z.object({ at: z.string().default("now") });
const lot = z.object({ lot: z.string() });
export const paramless = contract({ path: "/a", client: {}, server: {} });
export const unchecked = contract({ path: "/a/:b/:c", client: {}, server: {} });
connect(paramless, {});
connect(unchecked, { params: { b: "1", c: "2" } });
// @ts-expect-error a parameter is missing
connect(unchecked, { params: { b: "1" } });
class Unchecked extends contractConsumer(unchecked) {
  readonly both: string = this.scope.params.b + this.scope.params.c;
  // @ts-expect-error the path has no such parameter
  readonly other: string = this.scope.params.d;
}
const general: Contract = auction;
// @ts-expect-error `type` belongs to the envelope
contract({ path: "/a", client: { move: withType }, server: {} });
// @ts-expect-error `type` belongs to the envelope, also of the server
contract({ path: "/a", client: {}, server: { moved: withType } });
// @ts-expect-error `type` belongs to the envelope, also of a part of the payloads
contract({ path: "/a", client: { move: maybeWithType }, server: {} });
// @ts-expect-error `type` belongs to the envelope, also of a frame that asks
contract({ path: "/a", client: { move: { payload: withType, reply: empty } }, server: {} });
// @ts-expect-error `id` of a frame that asks belongs to the envelope
contract({ path: "/a", client: { move: { payload: withId, reply: empty } }, server: {} });
contract({ path: "/a", client: { move: withId }, server: { moved: withId } });
// @ts-expect-error `@` of a frame of the server belongs to the envelope
contract({ path: "/a", client: {}, server: { moved: z.object({ "@": z.string() }) } });
contract({ path: "/a", client: { move: z.object({ "@": z.string() }) }, server: {} });
// @ts-expect-error a record may have a key `type`
contract({ path: "/a", client: { count: z.record(z.string(), z.number()) }, server: {} });
contract({
  path: "/a",
  client: {},
  server: { empty, counts: z.object({ by: z.record(z.string(), z.number()) }) },
});
// @ts-expect-error a frame of the server must not transform
contract({ path: "/a", client: {}, server: { tick: transforms } });
// @ts-expect-error a part of a frame of the server must not transform
contract({ path: "/a", client: {}, server: { tick: deepTransforms } });
// @ts-expect-error a default transforms, too
contract({ path: "/a", client: {}, server: { tick: defaults } });
// @ts-expect-error a reply must not transform
contract({ path: "/a", client: { now: { payload: empty, reply: transforms } }, server: {} });
contract({ path: "/a", client: { at: transforms, more: defaults }, server: {} });
// @ts-expect-error types that begin with `greenroom.` belong to the protocol
contract({ path: "/a", client: { "greenroom.x": empty }, server: {} });
// @ts-expect-error types that begin with `greenroom.` belong to the protocol
contract({ path: "/a", client: {}, server: { "greenroom.x": empty } });
// @ts-expect-error a parameter that the path lacks
contract({ path: "/a/:room", params: lot, client: {}, server: {} });
// @ts-expect-error a path without parameters
contract({ path: "/a", params: lot, client: {}, server: {} });
// @ts-expect-error not a schema
contract({ path: "/a", client: { move: { to: "string" } }, server: {} });
// @ts-expect-error a reply is missing
contract({ path: "/a", client: { move: { payload: empty } }, server: {} });
// @ts-expect-error the frames of the server are missing
contract({ path: "/a", client: {} });
void [
  Lacking,
  Excessive,
  Misread,
  Replyless,
  Sending,
  WrongRelay,
  UnknownRelay,
  OtherRelay,
  MixedRelay,
  Unchecked,
  general,
];

export function makeAuction(layer: string) {
  return class extends contractConsumer(auction)<{ user: User }> {
    static override readonly layer = layer;
  };
}
