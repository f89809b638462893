import type { ChannelLayer } from "../../layers/channel-layer.ts";
import { MemoryLayer } from "../../layers/memory/memory-layer.ts";

interface RoomMessages {
  room_message: { message: string };
  room_closed: object;
}

describe("ChannelLayer types", () => {
  it("accept declared messages and refuse all others", async () => {
    const layer = new MemoryLayer<RoomMessages>();
    await layer.groupSend("room", { type: "room_message", message: "hi" });
    await layer.groupSend("room", { type: "room_closed" });
    // @ts-expect-error a type that was not declared
    await layer.groupSend("room", { type: "room_mesage", message: "hi" });
    // @ts-expect-error a payload of another type
    await layer.groupSend("room", { type: "room_message", message: 1 });
    // @ts-expect-error a payload that is missing
    await layer.send("node!1", { type: "room_message" });
    await layer.close();
  });

  it("give a handler of a named channel the messages that the layer or the handler declares", async () => {
    const layer = new MemoryLayer<RoomMessages>();
    await layer.consume("all", (message) => {
      if (message.type === "room_message") message.message.trim();
      // @ts-expect-error a type that was not declared
      if (message.type === "room_mesage") throw new Error();
    });
    await layer.consume<{ readonly type: "resize"; readonly width: number }>(
      "resizing",
      ({ width }, { attempt }) => {
        (width * attempt).toFixed();
      },
    );
    await layer.consume("own", async (message: { readonly url: string }) => void message.url.trim());
    // @ts-expect-error an option that does not exist
    await layer.consume("jobs", () => {}, { atOnce: 2 });
    await layer.close();
  });

  it("accept every message if none are declared", async () => {
    const layer = new MemoryLayer();
    await layer.groupSend("room", { type: "anything", goes: [1, { two: null }] });
    // @ts-expect-error a message without a type
    await layer.groupSend("room", { message: "hi" }).catch(() => {});
    await layer.close();
  });

  it("allow a layer to be used as a layer of any messages", async () => {
    const layer: ChannelLayer<never> = new MemoryLayer<RoomMessages>();
    await layer.close();
  });
});
