import { expect } from "chai";
import {
  AskFailedError,
  contractConsumer,
  createRuntime,
  type Effect,
  frames,
  handlers,
  InvalidOptionError,
  JsonWebSocketConsumer,
  type MessageEvents,
  MessageShapeError,
  machineConsumer,
  messages,
  WebSocketConsumer,
} from "greenroom";
import { contract } from "greenroom/contract";
import { emit, SimulatedClock, setup } from "xstate";
import { z } from "zod";
import { until } from "../layers/support/until.ts";
import { opened, stopCluster } from "../runtime/support/cluster.ts";
import { chat, type Failure, unlessByMachine } from "../support/serving.ts";
import { schemaOf } from "./contract/support/schemas.ts";

interface Messages {
  said: { text: string };
  loud_said: { text: string };
  free: { text: string };
}

const said = z.object({ text: z.string() });
const schemas = { said, loud_said: said };

class Text extends WebSocketConsumer<{ messages: Messages }> {
  static override readonly layer = "chat";
  static override readonly messages: object | undefined = messages<Text>(schemas);
  static override readonly on = handlers<Text>({
    said({ text }) {
      this.send(text.toUpperCase());
      return text.length;
    },
    loud_said({ text }) {
      this.send(text.toUpperCase());
    },
    free({ text }) {
      this.send(`free ${text}`);
    },
  });
  override connect() {
    return this.groupAdd("room");
  }
}

class Json extends JsonWebSocketConsumer<{ messages: Pick<Messages, "said"> }> {
  static override readonly layer = "chat";
  static override readonly messages = messages<Json>({ said });
  static override readonly on = handlers<Json>({
    said({ text }) {
      this.sendJson(text.toUpperCase());
      return text.length;
    },
  });
  override connect() {
    return this.groupAdd("room");
  }
}

const talk = contract({ path: "/talk", client: { ping: z.object({}) }, server: { spoken: z.string() } });
class Talk extends contractConsumer(talk)<{ messages: Pick<Messages, "said"> }> {
  static override readonly layer = "chat";
  static override readonly frames = frames<Talk>({ ping() {} });
  static override readonly messages = messages<Talk>({ said });
  static override readonly on = handlers<Talk>({
    said({ text }) {
      this.send("spoken", text.toUpperCase());
      return text.length;
    },
  });
  override connect() {
    return this.groupAdd("room");
  }
}

const machine = setup({
  types: { events: {} as MessageEvents<Pick<Messages, "said">>, emitted: {} as Effect },
}).createMachine({
  id: "listener",
  entry: emit({ type: "join", group: "room" }),
  on: {
    "message.said": {
      actions: [
        emit(({ event }) => ({ type: "send" as const, frame: event.message.text.toUpperCase() })),
        emit(({ event }) => ({ type: "reply" as const, value: event.message.text.length })),
      ],
    },
  },
});
const Listener = machineConsumer(machine, { layer: "chat", messages: { said } });

const kinds = {
  WebSocketConsumer: Text,
  JsonWebSocketConsumer: Json,
  contractConsumer: Talk,
  machineConsumer: Listener,
};

describe("The schemas of messages", () => {
  let failures: Failure[];
  let clock: SimulatedClock;
  const start = () =>
    opened(
      createRuntime({
        layers: chat(),
        clock,
        onError: unlessByMachine((error, { stage }) => failures.push({ error, stage })),
      }),
    );
  let runtime: ReturnType<typeof start>;
  beforeEach(() => {
    failures = [];
    clock = new SimulatedClock();
    runtime = start();
  });
  afterEach(stopCluster);

  const send = (message: { readonly type: string }) => runtime.layers.chat.groupSend("room", message);
  const invalid = () => runtime.counters().dropped.invalid;

  for (const [kind, Consumer] of Object.entries(kinds)) {
    it(`drop a message of the wrong shape before a handler of a ${kind} runs, and close no member`, async () => {
      const members = await Promise.all([1, 2, 3].map(() => runtime.spawn(Consumer as typeof Text)));
      for (const wrong of [{}, { text: 1 }, { text: null }, { words: "a" }])
        await send({ type: "said", ...wrong });
      await send({ type: "said", text: "fit" } as never);
      for (const member of members) expect(String((await member.outgoing.next()).value)).to.contain("FIT");
      expect(invalid()).to.equal(12);
      expect(runtime.size).to.equal(3);
      expect(failures).to.have.length(1);
      expect(failures[0]?.stage).to.equal("message said");
      expect(failures[0]?.error)
        .to.be.instanceOf(MessageShapeError)
        .and.include({ code: "ERR_MESSAGE_SHAPE", messageType: "said" });
    });

    it(`let an ask of a ${kind} fail that does not fit`, async () => {
      const { channel } = await runtime.spawn(Consumer as typeof Text);
      const error = await runtime.ask(channel, { type: "said" }).catch((reason: unknown) => reason);
      expect(error).to.be.instanceOf(AskFailedError);
      expect(String(error)).to.contain('A message of the type "said" does not fit its schema: text: ');
      expect(await runtime.ask(channel, { type: "said", text: "four" })).to.equal(4);
      expect(invalid()).to.equal(1);
    });
  }

  it("report a type once a minute for each class", async () => {
    await Promise.all([runtime.spawn(Text), runtime.spawn(Json)]);
    const dropped = (count: number) => until(() => invalid() === count);
    for (let n = 0; n < 3; n += 1) await send({ type: "said" });
    await send({ type: "loud_said" });
    // Json has no schema for `loud_said`.
    await dropped(7);
    expect(failures).to.have.length(3);
    clock.increment(60_000);
    await send({ type: "said" });
    await dropped(9);
    expect(failures).to.have.length(5);
  });

  it("check a type with dots with the schema of its handler", async () => {
    const actor = await runtime.spawn(Text);
    await send({ type: "loud.said" });
    await send({ type: "loud.said", text: "a" } as never);
    expect((await actor.outgoing.next()).value).to.equal("A");
    expect(invalid()).to.equal(1);
  });

  it("do not check types without a schema", async () => {
    const actor = await runtime.spawn(Text);
    await send({ type: "free" });
    expect((await actor.outgoing.next()).value).to.equal("free undefined");
    expect(invalid()).to.equal(0);
  });

  it("check a message once for all members of a node, and leave it as it is", async () => {
    let calls = 0;
    const counting = schemaOf((value) => {
      calls += 1;
      return (value as { text?: unknown }).text === undefined
        ? { issues: [{ message: "none" }] }
        : { value: { text: "changed" } };
    });
    class Counted extends Text {
      static override readonly messages = { said: counting };
    }
    const members = await Promise.all([1, 2, 3].map(() => runtime.spawn(Counted)));
    await send({ type: "said" });
    await send({ type: "said", text: "as sent" } as never);
    for (const member of members) expect((await member.outgoing.next()).value).to.equal("AS SENT");
    expect(calls).to.equal(2);
  });

  it("give a schema the properties of a message without its type", async () => {
    class Strict extends Text {
      static override readonly messages = { said: z.strictObject({ text: z.string() }) };
    }
    const actor = await runtime.spawn(Strict);
    await send({ type: "said", text: "a" } as never);
    expect((await actor.outgoing.next()).value).to.equal("A");
  });

  it("drop all messages of a type whose schema is asynchronous, and tell why", async () => {
    const broken = {
      said: schemaOf(() => Promise.reject(new Error("late"))),
      loud_said: schemaOf(() => {
        throw new Error("broken");
      }),
    };
    class Broken extends Text {
      static override readonly messages = broken;
    }
    const actor = await runtime.spawn(Broken);
    for (const type of ["said", "loud_said", "free"]) await send({ type, text: "a" } as never);
    expect((await actor.outgoing.next()).value).to.equal("free a");
    expect(invalid()).to.equal(2);
    expect(failures.map(({ error }) => String(error))).to.deep.equal([
      'MessageShapeError: The schema of the message "said" is asynchronous: only a synchronous schema can check messages.',
      'MessageShapeError: The schema of the message "loud_said" failed.',
    ]);
  });

  it("have to speak Standard Schema", () => {
    class Odd extends Text {
      static override readonly messages = { said: { text: "string" } };
    }
    expect(() => runtime.route("/odd", Odd)).to.throw(
      InvalidOptionError,
      "`Odd.messages.said` does not speak Standard Schema: use a schema of zod, valibot or arktype.",
    );
  });

  it("are not found under the names of an object's own methods", async () => {
    const actor = await runtime.spawn(Text);
    for (const type of ["constructor", "__proto__", "toString"]) await send({ type });
    await send({ type: "free", text: "a" } as never);
    expect((await actor.outgoing.next()).value).to.equal("free a");
    expect(runtime.counters().dropped).to.include({ invalid: 0, unhandled: 3 });
  });
});
