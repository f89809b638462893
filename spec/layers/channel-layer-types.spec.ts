import type { ChannelLayer } from "../../layers/channel-layer.ts";
import { MemoryLayer } from "../../layers/memory/memory-layer.ts";

interface RoomMessages {
  room_message: { message: string };
  room_closed: object;
}

describe("the types of a layer", () => {
  it("take the messages it declares, and refuse all others", async () => {
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

  it("tell a handler of a named channel what it gets: what the layer declares, or what it says itself", async () => {
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
    // @ts-expect-error an option that there is not
    await layer.consume("jobs", () => {}, { atOnce: 2 });
    await layer.close();
  });

  it("take every message where none are declared", async () => {
    const layer = new MemoryLayer();
    await layer.groupSend("room", { type: "anything", goes: [1, { two: null }] });
    // @ts-expect-error a message without a type
    await layer.groupSend("room", { message: "hi" }).catch(() => {});
    await layer.close();
  });

  it("let a layer be used where its messages do not matter", async () => {
    const layer: ChannelLayer<never> = new MemoryLayer<RoomMessages>();
    await layer.close();
  });
});
