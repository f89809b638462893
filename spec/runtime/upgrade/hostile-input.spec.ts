import { expect } from "chai";
import {
  type ConnectionEvents,
  type Effect,
  type FrameEvents,
  handlers,
  JsonWebSocketConsumer,
  type MessageEvents,
  machineConsumer,
} from "greenroom";
import { Packr } from "msgpackr";
import { emit, setup } from "xstate";
import { Client } from "../../support/client.ts";
import { gate } from "../../support/gate.ts";
import { openPremises, type Premises } from "../support/premises.ts";

interface Host {
  messages: { note: { text: string }; bad: object };
}

interface Command {
  readonly type: string;
  readonly group?: string;
  readonly code?: number;
  readonly reason?: string;
}

/** Obeys its client, like a careless application. */
class HostClass extends JsonWebSocketConsumer<Host> {
  static override readonly layer = "chat";
  static override readonly on = handlers<HostClass>({
    note({ text }) {
      this.sendJson({ text });
    },
    bad() {
      throw new Error("thrown by a message's handler");
    },
  });
  override async receive(value: unknown) {
    const { type, group = "", code, reason } = value as Command;
    if (type === "join") await this.groupAdd(group);
    else if (type === "close") this.close(code, reason);
    else if (type === "throw") throw new Error("thrown");
    else if (type === "reject") await Promise.reject(new Error("rejected"));
    else if (type === "echo") this.sendJson({ type });
  }
}

const fail = () => {
  throw new Error("thrown by an action");
};
const hostMachine = setup({
  types: {
    events: {} as
      | FrameEvents<{ echo: object; join: Command; close: Command; throw: object; reject: object }>
      | MessageEvents<Host["messages"]>
      | ConnectionEvents,
    emitted: {} as Effect,
  },
}).createMachine({
  id: "host",
  on: {
    "frame.echo": { actions: emit({ type: "send", frame: { type: "echo" } }) },
    "frame.join": { actions: emit(({ event }) => ({ type: "join", group: event.frame.group as string })) },
    "frame.close": {
      actions: emit(
        ({ event: { frame } }) => ({ type: "close", code: frame.code, reason: frame.reason }) as Effect,
      ),
    },
    "frame.throw": { actions: fail },
    "frame.reject": {
      guard: () => {
        throw new Error("thrown by a guard");
      },
      actions: fail,
    },
    "message.note": { actions: emit(({ event }) => ({ type: "send", frame: { text: event.message.text } })) },
    "message.bad": { actions: fail },
  },
});

const names = [
  ..."__proto__ constructor prototype toString hasOwnProperty valueOf".split(" "),
  // Names of methods and properties of Greenroom.
  ..."connect disconnect receive send close groupAdd restarted onGap machineActor on".split(" "),
  ..."xstate.stop xstate.init xstate.error.actor.0 xstate.done.state.host message.note frame.echo".split(" "),
  ...["", "*", "frame.*", "unknown", "x".repeat(10_000), "\u0000", "💥"],
];
const deep = "[".repeat(20_000) + "]".repeat(20_000);

const frames: readonly (string | Uint8Array)[] = [
  ...["null", "1", "[]", '"echo"', "{}", "", "{", deep],
  ...['{"toString":"x"}', '{"type":null}', '{"type":["echo"]}'],
  ...['{"type":{"toString":"x"}}', '{"__proto__":{"type":"throw"}}', '{"type":"throw"}', '{"type":"reject"}'],
  ...names.map((type) => JSON.stringify({ type, __proto__: null, constructor: 1 })),
  // Invalid names of groups, close reasons and close codes.
  ...["", "x".repeat(100), "two words", "ü", "__proto__!", 7, null, ["lobby"]].map((group) =>
    JSON.stringify({ type: "join", group }),
  ),
  ...[1, null, {}, { toString: "x" }, ["a"], "x".repeat(124)].map((reason) =>
    JSON.stringify({ type: "close", code: 4000, reason }),
  ),
  ...[0, 1005, 1e9, null, "4000", { toString: "x" }].map((code) => JSON.stringify({ type: "close", code })),
  new Uint8Array(0),
  new Uint8Array(1_000).fill(0x91),
];

const packr = new Packr({ useRecords: false });
const payloads: readonly Uint8Array[] = [
  ...names.map((type) => packr.pack({ type, text: "forged" })),
  ...[null, [], "note", { toString: "x" }, { type: null }, { type: { toString: "x" } }].map((value) =>
    packr.pack(value),
  ),
  new Uint8Array(5_000).fill(0x91),
  new Uint8Array([0xc1]),
];

describe("Hostile input", () => {
  let premises: Premises;
  let bystander: Client;
  let before: ReturnType<Premises["census"]>;
  beforeEach(async () => {
    premises = await openPremises();
    premises.runtime.route("/hosts/class", HostClass);
    premises.runtime.route("/hosts/machine", machineConsumer(hostMachine, { layer: "chat" }));
    bystander = await premises.enter("class");
    before = premises.census();
  });
  afterEach(async () => {
    // In all cases, a bystander still receives its echo, and all counts return to their initial values.
    bystander.send('{"type":"echo"}');
    while (String(await bystander.next()) !== '{"type":"echo"}');
    await premises.returned(before);
    await premises.close();
  });

  /** Sends frames and a request for an echo. Returns the frames before the echo, or the close code. */
  async function answer(
    client: Client,
    ...sent: readonly (string | Uint8Array)[]
  ): Promise<string[] | number> {
    for (const frame of sent) client.send(frame);
    client.send('{"type":"echo"}');
    const answers: string[] = [];
    for (;;) {
      const next = await Promise.race([client.next(), client.closed]);
      if (typeof next === "object" && "code" in next) return next.code;
      if (String(next) === '{"type":"echo"}') return answers;
      answers.push(String(next));
    }
  }

  for (const kind of ["class", "machine"]) {
    const open = () => Client.open(`${premises.url}/hosts/${kind}`);

    it(`in frames closes at most its own connection (${kind})`, async () => {
      for (const frame of frames) {
        const client = await open();
        const said = await answer(client, frame);
        // A failure, binary data or a valid command may close the client's own connection.
        if (typeof said === "number") expect(said, String(frame)).to.be.oneOf([1000, 1003, 1011]);
        client.websocket.terminate();
      }
      const reasons = premises.failures.filter((failure) =>
        failure.includes("close reason must be a string"),
      );
      expect(reasons).to.have.length(5);
      for (const failure of premises.failures)
        expect(failure).to.match(/^(receive|frame|machine|emit \w+): /);
    });

    it(`in messages over the layer is dropped and counted (${kind})`, async () => {
      const { chat } = premises;
      const client = await open();
      expect(await answer(client, '{"type":"join","group":"lobby"}')).to.deep.equal([]);
      const { topics } = chat;
      for (const payload of payloads) for (const topic of topics) await chat.backend.publish(topic, payload);
      await chat.groupSend("lobby", { type: "note", text: "after all that" });
      expect(await client.next()).to.equal('{"text":"after all that"}');
      expect(premises.failures.filter((failure) => !failure.startsWith("layer: "))).to.deep.equal([]);
      expect(premises.runtime.counters().dropped.unhandled).to.be.above(0);
      expect(chat.counters().dropped["refused-type"]).to.be.above(0);
      expect(chat.counters().dropped.garbage).to.be.above(0);
      await client.close();
    });

    it(`that makes a message handler throw closes only that connection (${kind})`, async () => {
      const client = await open();
      await answer(client, '{"type":"join","group":"lobby"}');
      await premises.chat.groupSend("lobby", { type: "bad" });
      expect(await client.closed).to.include({ code: 1011 });
      expect(premises.failures).to.have.length(1);
    });

    it(`that joins a thousand groups leaves all of them at the end (${kind})`, async () => {
      const client = await open();
      const joins = Array.from({ length: 1_000 }, (_, index) => `{"type":"join","group":"group-${index}"}`);
      expect(await answer(client, ...joins)).to.deep.equal([]);
      expect(premises.chat.topics).to.have.length(before.topics.length + joins.length);
      client.websocket.terminate();
    });

    it(`that floods with frames has all frames handled (${kind})`, async () => {
      const client = await open();
      const echoes = Array.from({ length: 5_000 }, () => '{"type":"echo"}');
      for (const echo of echoes) client.send(echo);
      for (const echo of await client.take(echoes.length)) expect(String(echo)).to.equal('{"type":"echo"}');
      await client.close();
    });

    it(`that floods with messages closes a connection that cannot keep up (${kind})`, async () => {
      const { chat, runtime } = premises;
      const client = await open();
      await answer(client, '{"type":"join","group":"lobby"}');
      // While the slow join is pending, no other message is handled.
      const join = gate();
      chat.backend.hold = join.opened;
      client.send('{"type":"join","group":"slow"}');
      while (chat.backend.held === 0) await new Promise((resolve) => setImmediate(resolve));
      for (let number = 0; number < 2_000; number += 1)
        await chat.groupSend("lobby", { type: "note", text: "flood" });
      expect(await client.closed).to.include({ code: 1013 });
      join.open();
      chat.backend.hold = undefined;
      await premises.returned(before);
      expect(runtime.counters().dropped.overflow).to.be.above(0);
    });
  }
});
