import { expect } from "chai";
import {
  contractConsumer,
  createRuntime,
  FrameError,
  frames,
  type Guard,
  handlers,
  MemoryLayer,
  relay,
} from "greenroom";
import { contract } from "greenroom/contract";
import { type Communicator, communicateWith } from "greenroom/testing";
import { z } from "zod";
import { unlessByMachine } from "../../support/serving.ts";

const roomChat = contract({
  path: "/ws/room/:room",
  params: z.object({ room: z.string().max(9) }),
  client: {
    say: z.object({ text: z.string().min(1).max(20) }),
    rename: { payload: z.object({ name: z.string() }), reply: z.object({ members: z.number() }) },
    count: z.number(),
  },
  server: { said: z.object({ text: z.string() }) },
});

interface User {
  readonly id: string;
}

class Room extends contractConsumer(roomChat)<{ messages: { said: { text: string } }; user: User }> {
  static override readonly layer = "chat";
  static override readonly frames = frames<Room>({
    say({ text }) {
      if (text === "bug") throw new Error("A bug");
      if (text === "spam") throw new FrameError("spam", "No spam", { by: this.scope.user.id });
      return this.groupSend("room", { type: "said", text });
    },
    rename({ name }) {
      return { members: name.length };
    },
    count(number) {
      this.send("said", { text: String(number + 1) });
    },
  });
  static override readonly on = handlers<Room>({ said: relay });
  override async connect() {
    await this.groupAdd("room");
  }
}

describe("contractConsumer", () => {
  const errors: string[] = [];
  const signedIn: Guard<User> = () => ({ user: { id: "ada" } });
  const start = () => {
    errors.length = 0;
    const runtime = createRuntime({
      layers: { chat: new MemoryLayer() },
      guards: [signedIn],
      onError: unlessByMachine((error) => errors.push(String(error))),
    });
    runtime.route(Room);
    return runtime;
  };
  let runtime: ReturnType<typeof start>;
  let client: Communicator;
  beforeEach(async () => {
    runtime = start();
    client = communicateWith(runtime, "/ws/room/lobby");
    await client.connect();
  });
  afterEach(() => runtime.close());

  const answerTo = async (frame: unknown) => {
    client.send(typeof frame === "string" ? frame : JSON.stringify(frame));
    return (await client.receiveJson()) as { readonly [key: string]: unknown };
  };

  it("passes valid payloads to handlers, and relays messages", async () => {
    expect(await answerTo({ type: "say", text: "hi" })).to.deep.equal({ type: "said", text: "hi" });
    expect(await answerTo({ type: "count", value: 3 })).to.deep.equal({ type: "said", text: "4" });
  });

  it("replies to a frame that asks", async () => {
    expect(await answerTo({ type: "rename", id: 7, name: "Ada" })).to.deep.equal({
      type: "greenroom.reply",
      id: 7,
      value: { members: 3 },
    });
  });

  it("refuses a payload that does not fit, and names the part", async () => {
    const { code, issues } = await answerTo({ type: "say", text: "" });
    expect(code).to.equal("greenroom.invalid");
    expect((issues as { path: unknown }[]).map(({ path }) => path)).to.deep.equal([["text"]]);
    expect(runtime.counters().refusedFrames["greenroom.invalid"]).to.equal(1);
  });

  it("answers a FrameError with its code and data", async () => {
    expect(await answerTo({ type: "say", text: "spam" })).to.deep.equal({
      type: "greenroom.error",
      code: "spam",
      message: "No spam",
      data: { by: "ada" },
    });
    expect(errors).to.deep.equal([]);
  });

  it("answers `greenroom.failed` if a handler fails, and stays open", async () => {
    expect((await answerTo({ type: "say", text: "bug" })).code).to.equal("greenroom.failed");
    expect(errors).to.deep.equal(["Error: A bug"]);
    expect(await answerTo({ type: "say", text: "hi" })).to.deep.equal({ type: "said", text: "hi" });
  });

  it("refuses path parameters that do not fit with 400", async () => {
    expect(await communicateWith(runtime, "/ws/room/much-too-long").connect()).to.include({ status: 400 });
  });
});
