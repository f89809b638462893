import { expect } from "chai";
import {
  contractConsumer,
  createRuntime,
  frames,
  handlers,
  InvalidOptionError,
  MemoryLayer,
  type Message,
  MessageShapeError,
  relay,
  relayAs,
} from "greenroom";
import { contract } from "greenroom/contract";
import { type Communicator, communicateWith } from "greenroom/testing";
import { z } from "zod";
import { unlessByMachine } from "../../support/serving.ts";
import { schemaOf } from "./support/schemas.ts";

interface Said {
  readonly text: unknown;
}

/** The types of the frames whose schema ran. */
const validated: string[] = [];
const counting = (type: string) =>
  schemaOf((value) => {
    validated.push(type);
    const { text } = value as Said;
    return text === "unfit" ? { issues: [{ message: "unfit", path: ["text"] }] } : { value };
  });

const roomChat = contract({
  path: "/room",
  client: { ping: z.object({ n: z.number() }) },
  server: { said: counting("said"), spoken: counting("spoken") },
});
const hallChat = contract({ path: "/hall", client: {}, server: { said: counting("hall said") } });

interface Messages {
  readonly said: Said;
  readonly room_message: Said;
}

class Room extends contractConsumer(roomChat)<{ messages: Messages }> {
  static override readonly layer = "chat";
  static override readonly frames = frames<Room>({
    ping() {
      this.send("said", { text: "pong" });
    },
  });
  static override readonly on = handlers<Room>({ said: relay, room_message: relayAs("said") });
  override async connect() {
    await this.groupAdd("room");
  }
}
/** Relays the same messages under other names. */
class Named extends contractConsumer({ ...roomChat, path: "/named" })<{ messages: Messages }> {
  static override readonly layer = "chat";
  static override readonly frames = frames<Named>({ ping() {} });
  static override readonly on = handlers<Named>({ said: relayAs("spoken"), room_message: relayAs("spoken") });
  override async connect() {
    await this.groupAdd("room");
  }
}
class Hall extends contractConsumer(hallChat)<{ messages: Pick<Messages, "said"> }> {
  static override readonly layer = "chat";
  static override readonly on = handlers<Hall>({ said: relay });
  override async connect() {
    await this.groupAdd("room");
  }
}

describe("relay", () => {
  const errors: unknown[] = [];
  const start = (validateOutgoing = true) =>
    createRuntime({
      layers: { chat: new MemoryLayer() },
      guards: [],
      validateOutgoing,
      onError: unlessByMachine((error) => errors.push(error)),
    });
  let runtime: ReturnType<typeof start>;
  const join = async (path: string): Promise<Communicator> => {
    const client = communicateWith(runtime, path);
    await client.connect();
    return client;
  };
  /** Sends a message, and returns the frame that each client receives. */
  const receive = async (clients: readonly Communicator[], message: Message) => {
    await runtime.layers.chat.groupSend("room", message);
    return Promise.all(clients.map((client) => client.receive()));
  };
  /** Counts the calls of JSON.stringify while `work` runs. */
  const stringified = async (work: () => Promise<unknown>): Promise<number> => {
    const { stringify } = JSON;
    let count = 0;
    JSON.stringify = ((...args: Parameters<typeof stringify>) => {
      count += 1;
      return stringify(...args);
    }) as typeof stringify;
    try {
      await work();
    } finally {
      JSON.stringify = stringify;
    }
    return count;
  };
  const reset = (isValidating?: boolean) => {
    runtime = start(isValidating);
    runtime.route(Room);
    runtime.route(Named);
    runtime.route(Hall);
    errors.length = 0;
    validated.length = 0;
  };
  beforeEach(() => reset());
  afterEach(() => runtime.close());

  it("sends a message as the frame of the same type or of another one", async () => {
    const client = await join("/room");
    expect(await receive([client], { type: "said", text: "a" })).to.deep.equal([
      '{"type":"said","text":"a"}',
    ]);
    expect(await receive([client], { type: "room.message", text: "a" })).to.deep.equal([
      '{"type":"said","text":"a"}',
    ]);
  });

  it("validates and encodes once for all members", async () => {
    const clients = await Promise.all(Array.from({ length: 20 }, () => join("/room")));
    let received: unknown;
    const count = await stringified(async () => {
      received = await receive(clients, { type: "said", text: "a" });
    });
    expect(received).to.deep.equal(Array(20).fill('{"type":"said","text":"a"}'));
    expect(count).to.equal(1);
    expect(validated).to.deep.equal(["said"]);
  });

  it("validates and encodes once for each name and contract, also if their members alternate", async () => {
    const paths = ["/room", "/named", "/hall", "/room", "/named", "/hall", "/room", "/named", "/hall"];
    const clients: Communicator[] = [];
    for (const path of paths) clients.push(await join(path));
    let received: unknown;
    const count = await stringified(async () => {
      received = await receive(clients, { type: "said", text: "a" });
    });
    const three = [
      '{"type":"said","text":"a"}',
      '{"type":"spoken","text":"a"}',
      '{"type":"said","text":"a"}',
    ];
    expect(received).to.deep.equal([...three, ...three, ...three]);
    expect(count).to.equal(3);
    expect(validated).to.deep.equal(["said", "spoken", "hall said"]);
  });

  for (const isValidating of [true, false]) {
    it(`drops a message that does not fit, checked once (validateOutgoing: ${isValidating})`, async () => {
      await runtime.close();
      reset(isValidating);
      const clients = [await join("/room"), await join("/room"), await join("/hall")];
      for (const _ of [1, 2]) await runtime.layers.chat.groupSend("room", { type: "said", text: "unfit" });
      const received = await receive(clients, { type: "said", text: "fit" });
      expect(received).to.deep.equal(Array(3).fill('{"type":"said","text":"fit"}'));
      expect(runtime.counters().dropped).to.include({ invalid: 6, "not-json": 0 });
      // Once for each message and class, because the classes have contracts of their own.
      expect(validated.sort()).to.deep.equal([...Array(3).fill("hall said"), ...Array(3).fill("said")]);
      expect(errors).to.have.length(2);
      for (const error of errors)
        expect(error)
          .to.be.instanceOf(MessageShapeError)
          .and.include({ message: 'A message of the type "said" does not fit its schema: text: unfit' });
    });
  }

  it("drops all messages of a frame whose schema is asynchronous or fails, and says so", async () => {
    const failing = contract({
      path: "/failing",
      client: {},
      server: {
        late: schemaOf(async () => Promise.reject(new Error("late"))),
        broken: schemaOf(() => {
          throw new Error("broken");
        }),
      },
    });
    class Failing extends contractConsumer(failing)<{ messages: { late: object; broken: object } }> {
      static override readonly layer = "chat";
      static override readonly on = handlers<Failing>({ late: relay, broken: relay });
      override async connect() {
        await this.groupAdd("room");
      }
    }
    runtime.route(Failing);
    const clients = [await join("/failing"), await join("/room")];
    for (const type of ["late", "broken"]) await runtime.layers.chat.groupSend("room", { type });
    await receive(clients.slice(1), { type: "said", text: "fit" });
    expect(runtime.counters().dropped).to.include({ invalid: 2 });
    expect(errors.map(String)).to.deep.equal([
      'MessageShapeError: The schema of the message "late" is asynchronous: only a synchronous schema can check messages.',
      'MessageShapeError: The schema of the message "broken" failed.',
    ]);
    expect(runtime.size).to.equal(2);
  });

  it("carries numbers of any size, and a bigint as decimal digits", async () => {
    const client = await join("/room");
    const big = Number.MAX_SAFE_INTEGER;
    for (const [text, json] of [
      [big, `${big}`],
      [-(2 ** 40), "-1099511627776"],
      [1e300, "1e+300"],
      [2n ** 63n, '"9223372036854775808"'],
    ] as const)
      expect(await receive([client], { type: "said", text })).to.deep.equal([
        `{"type":"said","text":${json}}`,
      ]);
  });

  it("drops a message that JSON cannot hold, counts it for each member, and closes none", async () => {
    const clients = [await join("/room"), await join("/room"), await join("/named")];
    for (const text of [new Uint8Array([1]), Number.NaN, [Number.POSITIVE_INFINITY]])
      await runtime.layers.chat.groupSend("room", { type: "said", text });
    const received = await receive(clients, { type: "said", text: "a" });
    expect(received).to.deep.equal([
      '{"type":"said","text":"a"}',
      '{"type":"said","text":"a"}',
      '{"type":"spoken","text":"a"}',
    ]);
    expect(runtime.counters().dropped).to.include({ "not-json": 9, unhandled: 0 });
    expect(String(errors[0])).to.equal(
      "TypeError: JSON cannot hold an instance of Buffer (at .text): send the bytes as a binary frame, or as a " +
        "base64 string.",
    );
  });

  it("never sets a prototype", async () => {
    const client = await join("/room");
    const message = JSON.parse('{"type":"said","text":"a","__proto__":{"admin":true},"constructor":1}');
    const sent = await receive([client], message).catch((error: unknown) => error);
    if (sent instanceof Error) return;
    const frame = JSON.parse(String((sent as string[])[0])) as object;
    expect(Object.getPrototypeOf(frame)).to.equal(Object.prototype);
    expect(frame).not.to.have.property("admin");
  });

  it("needs a frame of the contract", () => {
    class Wrong extends Room {
      static override readonly on = { said: relayAs("nothing") } as never;
    }
    class Bare extends Hall {
      static override readonly contract = undefined as never;
    }
    expect(() => runtime.route(Wrong as typeof Room, { replace: true })).to.throw(
      InvalidOptionError,
      'Wrong.on relays "said" as the frame "nothing", which its contract lacks. It has: said, spoken.',
    );
    expect(() => runtime.route("/bare", Bare as never)).to.throw(
      InvalidOptionError,
      'Bare.on relays "said" as the frame "said", which needs a contract: see contractConsumer.',
    );
  });
});
