import { expect } from "chai";
import {
  contractConsumer,
  createRuntime,
  type FrameCodec,
  handlers,
  InvalidOptionError,
  JsonWebSocketConsumer,
  MemoryLayer,
  machineConsumer,
  WebSocketConsumer,
} from "greenroom";
import { contract } from "greenroom/contract";
import { communicate } from "greenroom/testing";
import { pack, unpack } from "msgpackr";
import superjson from "superjson";
import { createMachine } from "xstate";
import { unlessByMachine } from "../support/serving.ts";

const superJson: FrameCodec = {
  decode: (text) => superjson.parse(text),
  encode: (value) => superjson.stringify(value),
};
const msgpack: FrameCodec = {
  binary: true,
  decode: (bytes) => unpack(bytes),
  encode: (value) => pack(value),
};

class Echo extends JsonWebSocketConsumer {
  override receive(value: unknown) {
    this.sendJson(value);
  }
}

class SuperEcho extends JsonWebSocketConsumer {
  static override readonly codec: FrameCodec = superJson;
  // The compiler checks values for JSON, unless the class accepts more.
  override sendJson(value: unknown) {
    super.sendJson(value);
  }
  override receive(value: unknown) {
    this.sendJson(value instanceof Map ? new Map(value) : value);
  }
}

class PackEcho extends Echo {
  static override readonly codec: FrameCodec = msgpack;
}

/** A client, and the errors that are reported to `onError`. */
async function connect(Consumer: typeof Echo | typeof SuperEcho) {
  const errors: { readonly message: string; readonly stage: string }[] = [];
  const onError = unlessByMachine((error, { stage }: { readonly stage: string }) => {
    errors.push({ message: (error as Error).message, stage });
  });
  const client = communicate(Consumer, { options: { onError } });
  await client.connect();
  return { client, errors };
}

describe("The codec of a JsonWebSocketConsumer", () => {
  it("carries values that JSON cannot hold, if sendJson is overridden to accept them", async () => {
    const { client } = await connect(SuperEcho);
    client.send(superjson.stringify(new Map([["a", 1]])));
    expect(superjson.parse(String(await client.receive()))).to.deep.equal(new Map([["a", 1]]));
    await client.disconnect();
  });

  const value = { at: new Date(0), big: 2n ** 64n, tags: new Map([["a", new Set([1])]]), none: undefined };

  it("decodes the texts of clients, and encodes those of the server", async () => {
    const { client } = await connect(SuperEcho);
    client.send(superjson.stringify(value));
    const frame = await client.receive();
    expect(frame).to.be.a("string");
    expect(superjson.parse(String(frame))).to.deep.equal(value);
    await client.disconnect();
  });

  it("decodes binary frames, and encodes to them, if it is binary", async () => {
    const { client } = await connect(PackEcho);
    client.send(pack({ at: new Date(0), bytes: new Uint8Array([1, 2]) }));
    const frame = await client.receive();
    expect(frame).to.be.instanceOf(Uint8Array);
    expect(unpack(frame as Uint8Array)).to.deep.equal({ at: new Date(0), bytes: Buffer.from([1, 2]) });
    await client.disconnect();
  });

  it("closes with 1003 on a frame of the other kind", async () => {
    const { client: text } = await connect(SuperEcho);
    text.send(new Uint8Array([1]));
    expect(await text.closed).to.include({ code: 1003 });
    const { client: binary } = await connect(PackEcho);
    binary.send("{}");
    expect(await binary.closed).to.deep.equal({
      code: 1003,
      reason: "This endpoint takes binary frames only",
    });
    await Promise.all([text.disconnect(), binary.disconnect()]);
  });

  it("gives a malformed frame to receiveInvalidJson, keeps the text of its error back, and reports it", async () => {
    const { client, errors } = await connect(SuperEcho);
    for (let time = 0; time < 3; time += 1) {
      client.send("{");
      expect(superjson.parse(String(await client.receive()))).to.deep.equal({
        error: "The frame is malformed",
      });
    }
    client.send(superjson.stringify("still here"));
    expect(superjson.parse(String(await client.receive()))).to.equal("still here");
    expect(errors.map(({ stage }) => stage)).to.deep.equal(["frame"]);
    expect(errors[0]?.message).to.match(/JSON/);
    await client.disconnect();
  });

  it("passes the frame and the error to an override, also if the codec throws another value", async () => {
    class Own extends SuperEcho {
      static override readonly codec: FrameCodec = {
        ...superJson,
        decode() {
          throw "no";
        },
      };
      override receiveInvalidJson(frame: string, error: Error) {
        this.send(`${frame}: ${error.message}`);
      }
    }
    const { client } = await connect(Own);
    client.send("x");
    expect(await client.receive()).to.equal("x: no");
    await client.disconnect();
  });

  it("must not return promises, and owns those that it returns", async () => {
    class Late extends SuperEcho {
      static override readonly codec: FrameCodec = {
        ...superJson,
        decode: () => Promise.reject(new Error("late")),
      };
    }
    const { client, errors } = await connect(Late);
    client.send("x");
    await client.receive();
    expect(errors.map(({ message }) => message)).to.deep.equal([
      "`codec.decode` returned a promise. It has to return the value.",
    ]);
    await client.disconnect();
  });

  it("fails the actor if it cannot encode, or returns another frame", async () => {
    for (const [encode, message] of [
      [() => expect.fail("no"), "The codec cannot encode the value: no"],
      [() => new Uint8Array(), "`codec.encode` has to return a string, not a value of the type object."],
      [
        async () => expect.fail("late"),
        "`codec.encode` has to return a string, not a value of the type object.",
      ],
    ] as const) {
      class Broken extends SuperEcho {
        static override readonly codec: FrameCodec = { ...superJson, encode: encode as never };
      }
      const { client, errors } = await connect(Broken);
      client.send(superjson.stringify(1));
      expect(await client.closed).to.include({ code: 1011 });
      expect(errors).to.deep.equal([{ message, stage: "receive" }]);
      await client.disconnect();
    }
  });

  it("encodes a delivered message once for all members, and drops one that it cannot encode", async () => {
    let count = 0;
    class Room extends JsonWebSocketConsumer<{ messages: { note: { n: number } } }> {
      static override readonly layer = "chat";
      static override readonly codec: FrameCodec = {
        decode: (text) => superjson.parse(text),
        encode(message) {
          count += 1;
          if ((message as { n: number }).n < 0) throw new Error("negative");
          return superjson.stringify(message);
        },
      };
      static override readonly on = handlers<Room>({
        note(message) {
          this.sendJson(message);
        },
      });
      override async connect() {
        await this.groupAdd("room");
      }
    }
    const chat = new MemoryLayer();
    const errors: unknown[] = [];
    await using runtime = createRuntime({ layers: { chat }, onError: (error) => errors.push(error) });
    const members = Array.from({ length: 10 }, () => communicate(Room, { runtime }));
    await Promise.all(members.map((member) => member.connect()));
    await chat.groupSend("room", { type: "note", n: 1 });
    for (const member of members) {
      expect(superjson.parse(String(await member.receive()))).to.deep.equal({ type: "note", n: 1 });
    }
    // The first encoding does not check whether the message can change.
    expect(count).to.equal(2);
    await chat.groupSend("room", { type: "note", n: -1 });
    await members[0]?.settle();
    expect(runtime.size).to.equal(10);
    expect(runtime.counters().dropped).to.include({ "not-json": 10 });
    expect(errors).not.to.have.length(0);
  });

  it("is refused on a class that has no codec, and without its methods", async () => {
    class NoMethods extends Echo {
      static override readonly codec = { decode: superJson.decode } as never;
    }
    class Raw extends WebSocketConsumer {
      static readonly codec = superJson;
    }
    class Contracted extends contractConsumer(contract({ path: "/ws", client: {}, server: {} })) {
      static readonly codec = superJson;
    }
    const Machine = machineConsumer(createMachine({}));
    Object.assign(Machine, { codec: superJson });
    await using runtime = createRuntime();
    expect(() => runtime.route("/ws/1", NoMethods))
      .to.throw(InvalidOptionError)
      .with.property("message", "NoMethods.codec needs the methods `decode` and `encode`.");
    for (const Consumer of [Raw, Machine]) {
      expect(() => runtime.route("/ws/2", Consumer)).to.throw(InvalidOptionError, "has no effect");
    }
    expect(() => runtime.route(Contracted)).to.throw(InvalidOptionError, "JSON");
  });
});
