import { expect } from "chai";
import { type Effect, handlers, JsonWebSocketConsumer, type MessageEvents, machineConsumer } from "greenroom";
import { emit, setup } from "xstate";
import { Client } from "../support/client.ts";
import { chat, serve, stopServing } from "../support/serving.ts";

interface Say {
  readonly say: { readonly data: unknown };
}

class Room extends JsonWebSocketConsumer<{ messages: Say; layer: "chat" }> {
  static override readonly layer = "chat";
  static override readonly on = handlers<Room>({
    say({ data }) {
      this.sendJson({ data });
    },
  });
  override async connect() {
    await this.accept();
    await this.groupAdd("room");
    this.sendJson("joined");
  }
  override async receive(value: unknown) {
    if (value === "fail") this.sendJson({ ratio: 0 / 0 });
    await this.groupSend("room", { type: "say", data: value });
  }
}

class LateRoom extends Room {
  static override readonly on = handlers<LateRoom>({
    async say({ data }) {
      await Promise.resolve();
      this.sendJson({ data });
    },
  });
}

type MachineEvents =
  | MessageEvents<Say>
  | { readonly type: "frame.say"; readonly frame: { readonly data: unknown } };

const machine = setup({ types: { events: {} as MachineEvents, emitted: {} as Effect } }).createMachine({
  id: "room",
  entry: [emit({ type: "join", group: "room" }), emit({ type: "send", frame: '"joined"' })],
  on: {
    "frame.say": {
      actions: emit(({ event }) => ({
        type: "groupSend",
        group: "room",
        message: { type: "say", data: event.frame.data },
      })),
    },
    "message.say": { actions: emit(({ event }) => ({ type: "send", frame: { data: event.message.data } })) },
  },
});

async function start() {
  const serving = await serve({ layers: chat() });
  serving.runtime.route("/class", Room);
  serving.runtime.route("/late", LateRoom);
  serving.runtime.route("/machine", machineConsumer(machine, { layer: "chat" }));
  const join = async (path: string) => {
    const client = await Client.open(serving.url + path);
    expect(await client.next()).to.equal('"joined"');
    return client;
  };
  return { ...serving, join };
}

describe("A value that JSON cannot hold", () => {
  afterEach(stopServing);

  it("does not reach a room in a frame with a number that is too large", async () => {
    const { join, failures } = await start();
    const [sender, member] = [await join("/class"), await join("/class")];
    sender.send('{"a":1e999}');
    expect(await sender.next()).to.equal('{"error":"This endpoint takes JSON: A number is too large"}');
    sender.send("1");
    for (const client of [sender, member]) expect(await client.next()).to.equal('{"data":1}');
    expect(failures).to.deep.equal([]);
  });

  it("does not reach a machine's room in a frame with a number that is too large", async () => {
    const { join, failures } = await start();
    const [sender, member] = [await join("/machine"), await join("/machine")];
    sender.send('{"type":"say","data":-1e400}');
    expect(JSON.parse(String(await sender.next()))).to.deep.include({ code: "greenroom.bad_json" });
    sender.send('{"type":"say","data":1}');
    for (const client of [sender, member]) expect(await client.next()).to.equal('{"data":1}');
    expect(failures.map(({ stage }) => stage)).to.deep.equal(["frame"]);
  });

  for (const path of ["/class", "/late", "/machine"]) {
    it(`drops a delivered message, and closes no member of the room (${path})`, async () => {
      const { join, failures, runtime } = await start();
      const members = [await join(path), await join(path)];
      for (const data of [
        Number.NaN,
        [Number.POSITIVE_INFINITY],
        new Uint8Array([1]),
        [2n ** 63n, Number.NaN],
      ])
        await runtime.layers.chat.groupSend("room", { type: "say", data });
      await runtime.layers.chat.groupSend("room", { type: "say", data: 1 });
      for (const member of members) expect(await member.next()).to.equal('{"data":1}');
      expect(runtime.counters().dropped["not-json"]).to.equal(8);
      expect(failures).to.have.length(8);
      expect(String(failures[0]?.error)).to.equal(
        "TypeError: JSON cannot hold NaN (at .data): send null or a string instead.",
      );
    });
  }

  for (const path of ["/class", "/late", "/machine"]) {
    it(`may be a bigint, which each member gets as a decimal string (${path})`, async () => {
      const { join, failures, runtime } = await start();
      const members = [await join(path), await join(path), await join(path)];
      await runtime.layers.chat.groupSend("room", { type: "say", data: [{ id: 2n ** 63n }] });
      for (const member of members)
        expect(await member.next()).to.equal('{"data":[{"id":"9223372036854775808"}]}');
      expect(runtime.counters().dropped["not-json"]).to.equal(0);
      expect(failures).to.deep.equal([]);
    });
  }

  it("fails the actor if a frame's handler makes the value", async () => {
    const { join, runtime, failures } = await start();
    const client = await join("/class");
    client.send('"fail"');
    expect(await client.closed).to.deep.include({ code: 1011 });
    expect(failures.map(({ stage }) => stage)).to.deep.equal(["receive"]);
    expect(runtime.counters().dropped["not-json"]).to.equal(0);
  });
});
