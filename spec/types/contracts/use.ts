// What a user writes on both ends. It must compile as it stands; each line under @ts-expect-error must be refused.
import { z } from "zod";
import { connect } from "greenroom/client";
import { contract } from "greenroom/contract";
import { contractConsumer, frames, handlers, relay, relayAs } from "greenroom";

// ---- shared by the server and the browser
export const roomChat = contract({
  path: "/ws/example/:room",
  params: z.object({ room: z.string().regex(/^[\w.-]{1,90}$/) }),
  client: {
    say: z.object({ text: z.string().min(1).max(2_000) }),
    rename: { payload: z.object({ name: z.string().min(1).max(40) }), reply: z.object({ members: z.number() }) },
  },
  server: { said: z.object({ from: z.string(), text: z.string() }) },
});

// ---- the server
interface Messages { room_message: { from: string; text: string } }
export interface User { id: string; name: string }
class RoomChat extends contractConsumer(roomChat)<{ messages: Messages; user: User }> {
  static override readonly layer = "chat";
  static override readonly frames = frames<RoomChat>({
    say({ text }) { return this.groupSend(this.group, { type: "room_message", from: this.name, text }); },
    rename({ name }) { this.name = name; return { members: 3 }; },
  });
  static override readonly on = handlers<RoomChat>({
    room_message({ from, text }) { this.send("said", { from, text }); },
  });
  readonly group = `room_${this.scope.params.room}`;
  name = this.scope.user.name;
  override async connect() { await this.groupAdd(this.group); }
}

// ---- the browser
const room = connect(roomChat, { url: "wss://example.org", params: { room: "general" }, token: async () => "…" });
const off = room.on("said", ({ from, text }) => console.log(from.toUpperCase(), text));
room.onStatus((status) => { if (status.state === "away") console.log(status.retryInMs); });
room.onGap(({ fresh }) => { if (fresh) location.reload(); });
await room.send("say", { text: "hi" }); await room.send("say", { text: "again" }, { repeatable: true });
const { members } = await room.ask("rename", { name: "Ada" });
members.toFixed(); off(); await room.close();
const raw = connect({ url: "wss://example.org/ws/system" }); raw.on("text", (text) => text.trim()); await raw.send("hello");
for await (const { text } of room.events("said")) text.trim();

// ---- each of these must be refused
// @ts-expect-error a frame the contract does not have
void room.send("sya", { text: "hi" });
// @ts-expect-error a payload of the wrong shape
void room.send("say", { text: 1 });
// @ts-expect-error `say` has no reply
void room.ask("say", { text: "hi" });
// @ts-expect-error the server never sends that
room.on("spoken", () => {});
// @ts-expect-error params are missing
connect(roomChat, { url: "wss://example.org" });
class Wrong extends contractConsumer(roomChat)<{ messages: Messages }> {
  // @ts-expect-error `rename` is not handled
  static override readonly frames = frames<Wrong>({ say() {} });
  override connect() {
    // @ts-expect-error the wrong payload
    this.send("said", { from: 1, text: "" });
    // @ts-expect-error not a frame of the server
    this.send("say", { text: "" });
    // @ts-expect-error without a declared user there is none
    void this.scope.user.name;
  }
}
class WrongReply extends contractConsumer(roomChat)<{}> {
  // @ts-expect-error the reply has the wrong shape
  static override readonly frames = frames<WrongReply>({ say() {}, rename() { return { members: "three" }; } });
}
// a message that is a frame already is relayed: no handler per member
class Relaying extends contractConsumer(roomChat)<{ messages: { said: { from: string; text: string }; spoken: { from: string; text: string } } }> {
  static override readonly on = handlers<Relaying>({ said: relay, spoken: relayAs("said") });
}
class WrongRelay extends contractConsumer(roomChat)<{ messages: { said: { from: number } } }> {
  // @ts-expect-error the message is not what the frame is
  static override readonly on = handlers<WrongRelay>({ said: relay });
}
// @ts-expect-error `type` belongs to the envelope
contract({ path: "/a", client: { move: z.object({ type: z.string() }) }, server: {} });
// @ts-expect-error `id` of a frame that asks belongs to the envelope
contract({ path: "/a", client: { remove: { payload: z.object({ id: z.string() }), reply: z.object({}) } }, server: {} });
// @ts-expect-error what the server sends arrives as it was sent
contract({ path: "/a", client: {}, server: { tick: z.object({ at: z.string().transform((s) => new Date(s)) }) } });
// @ts-expect-error names that begin with `greenroom.` are ours
contract({ path: "/a", client: { "greenroom.x": z.object({}) }, server: {} });
// @ts-expect-error a parameter that the path lacks
contract({ path: "/a/:room", params: z.object({ lot: z.string() }), client: {}, server: {} });
// a class factory compiles under `declaration: true`
export function makeRoom(layer: string) {
  return class extends contractConsumer(roomChat)<{ user: User }> { static override readonly layer = layer; };
}
void Wrong; void WrongReply; void RoomChat; void Relaying; void WrongRelay;
