import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createRuntime, MemoryLayer } from "greenroom";
import { communicate } from "greenroom/testing";
import { Room } from "./room.ts";

const params = { room: "lobby" };

describe("Room", () => {
  it("sends a text to all members, with the name of its author", async () => {
    await using runtime = createRuntime({ layers: { chat: new MemoryLayer() } });
    const ada = communicate(Room, { runtime, params });
    const bob = communicate(Room, { runtime, params });
    await Promise.all([ada.connect(), bob.connect()]);
    ada.sendJson({ type: "rename", name: "Ada" });
    ada.sendJson({ type: "say", text: "Hello!" });
    for (const member of [ada, bob]) {
      assert.deepEqual(await member.receiveJson(), { type: "said", name: "Ada", text: "Hello!" });
    }
  });

  it("refuses an empty text", async () => {
    const options = { onError() {} }; // no warning about the refused frame
    await using ada = communicate(Room, { params, options });
    await ada.connect();
    ada.sendJson({ type: "say", text: "" });
    const { code } = (await ada.receiveJson()) as { code: string };
    assert.equal(code, "greenroom.invalid");
  });
});
