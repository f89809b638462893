import { createServer } from "node:http";
import { createRuntime, handlers, MemoryLayer, WebSocketConsumer } from "../../../index.ts";
import { RedisPubSubLayer, RedisStreamsLayer } from "../../../layers/redis/index.ts";
import { oneAddress } from "../../../spec/support/one-address.ts";
import { listen, roomOf, roomsOf, type StartServer } from "./room-server.ts";

interface RoomMessages {
  room_message: { text: string };
}

export class Member extends WebSocketConsumer<{ messages: RoomMessages }> {
  static override readonly layer = "chat";
  static override readonly on = handlers<Member>({
    room_message({ text }) {
      this.send(text);
    },
  });

  override async connect() {
    await this.accept();
    for (const room of roomsOf(this.scope.query)) await this.groupAdd(room);
    this.send("joined");
  }

  override async receive(text: string) {
    await this.groupSend(roomOf(text), { type: "room_message", text });
  }
}

/** A consumer as users write it, with default options, except that all clients come from one address. */
export const start: StartServer = async ({ variant, redisUrl }) => {
  const runtime = createRuntime({ layers: { chat: layerOf(variant, redisUrl) }, ...oneAddress });
  runtime.route("/", Member);
  await runtime.ready();
  const server = createServer();
  runtime.attach(server);
  return listen(server);
};

function layerOf(variant: string | undefined, url: string) {
  if (variant === undefined) return new MemoryLayer<RoomMessages>();
  if (variant === "streams") return new RedisStreamsLayer<RoomMessages>({ url, prefix: "chat" });
  return new RedisPubSubLayer<RoomMessages>({ url, prefix: "chat" });
}
