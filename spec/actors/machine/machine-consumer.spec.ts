import { expect } from "chai";
import {
  type ActorRef,
  type ConnectionEvents,
  type Effect,
  type FrameEvents,
  type MachineConsumerClass,
  type MessageEvents,
  machineConsumer,
} from "greenroom";
import {
  type AnyStateMachine,
  assign,
  emit,
  fromCallback,
  fromPromise,
  SimulatedClock,
  setup,
  waitFor,
} from "xstate";
import { until } from "../../layers/support/until.ts";
import { Client } from "../../support/client.ts";
import { gate } from "../../support/gate.ts";
import { chat, serve, stopServing } from "../../support/serving.ts";

type DoorEvents =
  | FrameEvents<{ knock: { times: number }; lock: object; unlock: { key: string } }>
  | MessageEvents<{ bell: { text: string } }>
  | ConnectionEvents;

const say = (text: string) => ({ type: "send", frame: text }) as const;

const door = setup({
  types: {
    context: {} as { readonly knocks: number; readonly key: string },
    events: {} as DoorEvents,
    emitted: {} as Effect,
    input: {} as { readonly key: string },
  },
  guards: { fits: ({ context, event }) => event.type === "frame.unlock" && event.frame.key === context.key },
  delays: { tired: 1_000 },
}).createMachine({
  id: "door",
  context: ({ input }) => ({ knocks: 0, key: input.key }),
  entry: emit({ type: "join", group: "doors" }),
  initial: "open",
  on: {
    "message.bell": {
      actions: emit(({ event }) => ({ type: "send", frame: `bell: ${event.message.text}` })),
    },
    binary: { actions: emit(({ event }) => ({ type: "send", frame: event.bytes })) },
    disconnect: {
      actions: emit({
        type: "groupSend",
        group: "doors",
        message: { type: "bell", text: "a door is gone" },
      }),
    },
  },
  states: {
    open: {
      on: {
        "frame.lock": {
          target: "locked",
          actions: emit({
            type: "groupSend",
            group: "doors",
            message: { type: "bell", text: "locked" },
            others: true,
          }),
        },
        "frame.knock": {
          actions: [
            assign({ knocks: ({ context, event }) => context.knocks + event.frame.times }),
            emit(({ context }) => ({ type: "send", frame: { knocks: context.knocks } })),
          ],
        },
      },
    },
    locked: {
      after: { tired: { target: "open", actions: emit(say("open again")) } },
      on: { "frame.unlock": { guard: "fits", target: "open" } },
    },
  },
});

const Door = machineConsumer(door, { layer: "chat", input: () => ({ key: "gold" }) });

describe("machineConsumer", () => {
  afterEach(stopServing);

  const start = async (Consumer: MachineConsumerClass<"chat", never> = Door, options: object = {}) => {
    const serving = await serve({ layers: chat(), ...options });
    serving.runtime.route("/ws", Consumer);
    return { ...serving, url: `${serving.url}/ws` };
  };
  const json = (value: unknown) => JSON.stringify(value);
  const stateOf = (actor: ActorRef) => actor.machineActor?.getSnapshot().value;

  it("passes frames and messages to the machine, and runs the effects that it emits", async () => {
    const { url, runtime } = await start();
    const [one, other] = [await Client.open(url), await Client.open(url)];
    one.send(json({ type: "knock", times: 2 }));
    one.send(json({ type: "knock", times: 3 }));
    expect(await one.take(2)).to.deep.equal(['{"knocks":2}', '{"knocks":5}']);
    one.send(json({ type: "lock" }));
    expect(await other.next()).to.equal("bell: locked");
    one.send(new Uint8Array([1, 2]));
    expect(await one.next()).to.deep.equal(Buffer.from([1, 2]));
    await other.close();
    expect(await one.next()).to.equal("bell: a door is gone");
    expect(runtime.counters().dropped.unhandled).to.equal(0);
  });

  it("answers a frame that the state does not accept with the accepted types", async () => {
    const { url, runtime, failures } = await start();
    const client = await Client.open(url);
    client.send(json({ type: "unlock", key: "gold" }));
    expect(JSON.parse(String(await client.next()))).to.deep.equal({
      type: "greenroom.error",
      code: "greenroom.unexpected",
      message: '"unlock" is not accepted in this state; accepted: knock, lock.',
      expected: ["knock", "lock"],
    });
    client.send(json({ type: "lock" }));
    client.send(json({ type: "unlock", key: "lead" }));
    expect(JSON.parse(String(await client.next()))).to.deep.include({ expected: ["unlock"] });
    expect(runtime.counters().refusedFrames).to.include({ "greenroom.unexpected": 2 });
    expect(runtime.counters().dropped.unhandled).to.equal(0);
    expect(failures.map(({ error }) => String(error))).to.deep.equal([
      'RefusedFrameError: A client\'s frame was refused with greenroom.unexpected: "unlock" is not accepted in this state; accepted: knock, lock.',
    ]);
  });

  it("answers malformed frames, and lets no client forge an event", async () => {
    const { url, runtime } = await start();
    const client = await Client.open(url);
    for (const text of [
      ...["no json", "null", "7", "[]", "{}", '{"type":7}', '{"type":""}', '{"type":"a b"}', '{"type":"*"}'],
      ...[`{"type":"${"x".repeat(100)}"}`, '{"__proto__":{"type":"lock"}}'],
    ]) {
      client.send(text);
      expect(JSON.parse(String(await client.next())), text).to.deep.include({
        code: text === "no json" ? "greenroom.bad_json" : "greenroom.bad_frame",
        expected: ["knock", "lock"],
      });
    }
    for (const type of ["xstate.stop", "xstate.done.actor.0", "constructor", "message.bell", "disconnect"]) {
      client.send(json({ type, text: "forged" }));
      expect(JSON.parse(String(await client.next())), type).to.deep.include({ code: "greenroom.unexpected" });
    }
    client.send(json({ type: "knock", times: 1 }));
    expect(await client.next()).to.equal('{"knocks":1}');
    expect(runtime.size).to.equal(1);
  });

  it("sends no answer if answerUnexpected is off, nor to bytes, and counts both", async () => {
    const quiet = setup({
      types: { events: {} as FrameEvents<{ ping: object }>, emitted: {} as Effect },
    }).createMachine({ on: { "frame.ping": { actions: emit(say("pong")) } } });
    const { url, runtime } = await start(
      machineConsumer(quiet, { layer: "chat", answerUnexpected: false, name: "Quiet" }),
    );
    const client = await Client.open(url);
    for (const frame of [json({ type: "other", id: 1 }), "no json", "{}", new Uint8Array([1])])
      client.send(frame);
    client.send(json({ type: "ping" }));
    expect(await client.next()).to.equal("pong");
    expect(runtime.counters().dropped.unhandled).to.equal(1);
    expect(runtime.counters().refusedFrames).to.include({
      "greenroom.unexpected": 1,
      "greenroom.bad_json": 1,
      "greenroom.bad_frame": 1,
    });
  });

  it("counts messages that the state does not accept", async () => {
    const { runtime } = await start();
    const actor = await runtime.spawn(Door);
    await runtime.layers.chat.groupSend("doors", { type: "unknown" } as never);
    await runtime.layers.chat.groupSend("doors", { type: "bell", text: "end" } as never);
    expect((await actor.outgoing.next()).value).to.equal("bell: end");
    expect(runtime.counters().dropped.unhandled).to.equal(1);
  });

  it("runs delays by the runtime's clock, and stops them with the connection", async () => {
    const clock = new SimulatedClock();
    const { runtime } = await start(Door, { clock });
    const actor = await runtime.spawn(Door);
    actor.receive(json({ type: "lock" }));
    while (stateOf(actor) !== "locked") await new Promise((resolve) => setImmediate(resolve));
    clock.increment(1_000);
    expect((await actor.outgoing.next()).value).to.equal("open again");
    actor.receive(json({ type: "lock" }));
    while (stateOf(actor) !== "locked") await new Promise((resolve) => setImmediate(resolve));
    const { machineActor } = actor;
    await actor.stop();
    clock.increment(1_000);
    expect(machineActor?.getSnapshot()).to.include({ value: "locked", status: "stopped" });
  });

  it("finishes emitted effects before the next event", async () => {
    const { runtime } = await start();
    const joining = gate();
    const { chat: layer } = runtime.layers;
    const groupAdd = layer.groupAdd.bind(layer);
    layer.groupAdd = async (group, channel) => {
      await joining.opened;
      return groupAdd(group, channel);
    };
    const spawning = runtime.spawn(Door);
    let isSpawned = false;
    void spawning.then(() => {
      isSpawned = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(isSpawned).to.equal(false);
    joining.open();
    const actor = await spawning;
    await runtime.layers.chat.groupSend("doors", { type: "bell", text: "in" } as never);
    expect((await actor.outgoing.next()).value).to.equal("bell: in");
  });

  it("closes with 1000 when the machine is done, or with the code of an emitted close", async () => {
    const brief = setup({
      types: { events: {} as FrameEvents<{ end: object; kick: object }>, emitted: {} as Effect },
    }).createMachine({
      initial: "here",
      states: {
        here: {
          on: {
            "frame.end": { target: "gone", actions: emit(say("bye")) },
            "frame.kick": { actions: emit({ type: "close", code: 4000, reason: "kicked" }) },
          },
        },
        gone: { type: "final" },
      },
    });
    const { url } = await start(machineConsumer(brief, { layer: "chat" }));
    const [one, other] = [await Client.open(url), await Client.open(url)];
    one.send(json({ type: "end" }));
    expect(await one.next()).to.equal("bye");
    expect(await one.closed).to.deep.equal({ code: 1000, reason: "The machine is done" });
    other.send(json({ type: "kick" }));
    expect(await other.closed).to.deep.equal({ code: 4000, reason: "kicked" });
  });

  describe("of a failing machine", () => {
    /** Fails in every way that a machine can. */
    function fragile(log: string[], supervision: "stop" | "restart" = "stop") {
      const machine = setup({
        types: {
          context: {} as { readonly count: number },
          events: {} as FrameEvents<{
            count: object;
            guard: object;
            action: object;
            invoke: object;
            spawned: object;
            effect: object;
            unknown: object;
          }>,
          emitted: {} as Effect,
        },
        guards: {
          broken: () => {
            throw new Error("guard");
          },
        },
        actors: {
          ticker: fromCallback(() => {
            log.push("begin");
            return () => log.push("end");
          }),
          failing: fromPromise(async () => {
            throw new Error("invoke");
          }),
        },
      }).createMachine({
        id: "fragile",
        context: { count: 0 },
        invoke: { src: "ticker" },
        initial: "well",
        states: {
          well: {
            on: {
              "frame.count": {
                actions: [
                  assign({ count: ({ context }) => context.count + 1 }),
                  emit(({ context }) => ({ type: "send", frame: String(context.count) })),
                ],
              },
              "frame.guard": { guard: "broken", target: "well" },
              "frame.action": {
                actions: () => {
                  throw new Error("action");
                },
              },
              "frame.invoke": "invoking",
              "frame.spawned": {
                actions: assign(({ spawn }) => {
                  spawn("failing");
                  return {};
                }),
              },
              "frame.effect": { actions: emit({ type: "join", group: "no such name!" }) },
              "frame.unknown": { actions: emit({ type: "explode" } as never) },
            },
          },
          invoking: { invoke: { src: "failing" } },
        },
      });
      return machineConsumer(machine as AnyStateMachine, {
        layer: "chat",
        name: "Fragile",
        supervision: { onFailure: supervision, backoffMs: 0 },
      });
    }

    for (const how of ["guard", "action", "invoke", "spawned", "effect", "unknown"]) {
      it(`affects no other connection, and leaves no child actor: ${how}`, async () => {
        const log: string[] = [];
        const { url, failures, runtime } = await start(fragile(log));
        const [one, bystander] = [await Client.open(url), await Client.open(url)];
        one.send(json({ type: how }));
        expect(await one.closed).to.deep.equal({ code: 1011, reason: "Internal error" });
        bystander.send(json({ type: "count" }));
        expect(await bystander.next()).to.equal("1");
        expect(failures).to.have.length(1);
        await runtime.close();
        expect(log).to.deep.equal(["begin", "begin", "end", "end"]);
      });
    }

    it("restarts if its supervision says so, without children of the old machine", async () => {
      const log: string[] = [];
      const { url } = await start(fragile(log, "restart"));
      const client = await Client.open(url);
      for (const type of ["count", "count"]) client.send(json({ type }));
      expect(await client.take(2)).to.deep.equal(["1", "2"]);
      for (const how of ["guard", "invoke", "effect"]) {
        const before = log.length;
        client.send(json({ type: how }));
        // The promise fails when the frame is handled already.
        if (how !== "invoke")
          expect(JSON.parse(String(await client.next())), how).to.include({ code: "greenroom.failed" });
        while (log.length < before + 2) await new Promise((resolve) => setImmediate(resolve));
        client.send(json({ type: "count" }));
        expect(await client.next(), how).to.equal("1");
      }
      expect(
        log.filter((word) => word === "begin").length - log.filter((word) => word === "end").length,
      ).to.equal(1);
    });
  });

  it("stops an actor whose machine fails at every restart", async () => {
    let begun = 0;
    const machine = setup({
      types: { events: {} as FrameEvents<{ fail: object }>, emitted: {} as Effect },
      actions: {
        begin() {
          begun += 1;
          if (begun > 1) throw new Error("cannot begin");
        },
      },
    }).createMachine({
      entry: "begin",
      on: {
        "frame.fail": {
          actions: () => {
            throw new Error("fails");
          },
        },
      },
    });
    const supervision = { onFailure: "restart", backoffMs: 0, maxFailures: 2 } as const;
    const { url, failures } = await start(machineConsumer(machine, { layer: "chat", supervision }));
    const client = await Client.open(url);
    client.send(json({ type: "fail" }));
    expect(await client.closed).to.deep.equal({ code: 1011, reason: "Internal error" });
    expect(failures.map(({ stage }) => stage)).to.deep.equal(["machine", "restarted", "restarted"]);
    expect(begun).to.equal(3);
  });

  it("reports a reply that a child emits too late, and does not give it to another asker", async () => {
    const replying = gate();
    const joining = gate();
    const machine = setup({
      types: { emitted: {} as Effect },
      actors: {
        work: fromPromise(async ({ emit: effect }) => {
          await replying.opened;
          effect({ type: "reply", value: "for the first asker" } as never);
        }),
      },
    }).createMachine({
      invoke: { src: "work", id: "work" },
      on: {
        "message.slow": { actions: emit({ type: "join", group: "a" }) },
      },
    });
    const supervision = { onFailure: "resume" } as const;
    const { runtime, failures } = await start(machineConsumer(machine, { layer: "chat", supervision }));
    const actor = await runtime.spawn(machineConsumer(machine, { layer: "chat", supervision }));
    const { chat: layer } = runtime.layers;
    const join = layer.groupAdd.bind(layer);
    layer.groupAdd = async (...given) => {
      joining.open();
      await until(() => failures.length === 1);
      return join(...given);
    };
    const asking = actor.ask({ type: "slow" });
    await joining.opened;
    replying.open();
    expect(await asking).to.equal(undefined);
    const [{ stage, error } = { stage: "", error: undefined }] = failures.splice(0);
    expect(stage).to.equal("emit reply");
    expect((error as Error).message).to.match(
      /^A reply was emitted while the machine handles no frame or message/,
    );
  });

  it("reports a failed effect of a delayed transition once, and blames no other actor", async () => {
    const machine = setup({
      types: { events: {} as MessageEvents<{ bell: object }>, emitted: {} as Effect },
      delays: { soon: 1 },
    }).createMachine({
      initial: "waiting",
      on: { "message.bell": { actions: emit({ type: "reply", value: "heard" }) } },
      states: {
        waiting: { after: { soon: { target: "done", actions: emit({ type: "join", group: "no name!" }) } } },
        done: {},
      },
    });
    const supervision = { onFailure: "resume" } as const;
    const { runtime, failures } = await start(machineConsumer(machine, { layer: "chat", supervision }));
    const actor = await runtime.spawn(machineConsumer(machine, { layer: "chat", supervision }));
    while (failures.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(await actor.ask({ type: "bell" })).to.equal("heard");
    expect(failures.map(({ stage }) => stage)).to.deep.equal(["emit join"]);
  });

  it("resumes in the state that was saved", async () => {
    const { runtime } = await start();
    const actor = await runtime.spawn(Door);
    actor.receive(json({ type: "knock", times: 7 }));
    actor.receive(json({ type: "lock" }));
    const machine = actor.machineActor;
    if (machine === undefined) expect.fail("It runs a machine.");
    await waitFor(machine, (snapshot) => snapshot.value === "locked");
    const saved = JSON.parse(JSON.stringify(actor.snapshot()));
    await actor.stop();
    const again = await runtime.spawn(Door, { snapshot: saved });
    expect(stateOf(again)).to.equal("locked");
    again.receive(json({ type: "unlock", key: "gold" }));
    again.receive(json({ type: "knock", times: 1 }));
    expect((await again.outgoing.next()).value).to.equal('{"knocks":8}');
  });

  it("passes path parameters as input, and requires them in the pattern", async () => {
    const machine = setup({
      types: { context: {} as { room: string }, input: {} as { room: string }, emitted: {} as Effect },
    }).createMachine({
      context: ({ input }) => input,
      entry: emit(({ context }) => ({ type: "send", frame: context.room })),
    });
    const Room = machineConsumer(machine, {
      params: ["room"],
      input: ({ params }) => ({ room: params.room }),
    });
    const { runtime, url } = await serve({ layers: {} });
    runtime.route("/ws/:room", Room);
    // @ts-expect-error the pattern lacks :room
    runtime.route("/other/:seat", Room);
    expect(await (await Client.open(`${url}/ws/general`)).next()).to.equal("general");
    expect(Room.name).to.equal("(machine)");
  });
});
