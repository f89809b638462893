import { expect } from "chai";
import { createRuntime, MemoryLayer, machineConsumer } from "greenroom";
import { contract } from "greenroom/contract";
import { type Communicator, communicateWith } from "greenroom/testing";
import { createMachine, emit, SimulatedClock } from "xstate";
import { z } from "zod";
import { type Gate, gate } from "../../support/gate.ts";
import { nextTurn } from "../../support/next-turn.ts";
import { isByMachine } from "../../support/serving.ts";

let schemaGate: Gate;
let layerGate: Gate;

const asking = (payload: z.ZodType<object>) => ({ payload, reply: z.string() });
const room = contract({
  path: "/room",
  client: {
    check: asking(z.object({}).refine(() => schemaGate.opened.then(() => true))),
    tell: asking(z.object({})),
    mark: asking(z.object({})),
    odd: asking(z.object({}).refine(() => schemaGate.opened.then(() => false))),
  },
  server: {},
});

/** A layer whose sends wait for the gate. */
class HeldLayer extends MemoryLayer {
  override groupSend(): Promise<void> {
    return layerGate.opened;
  }
}

const machine = createMachine({
  id: "room",
  initial: "quiet",
  states: {
    quiet: { after: { 50: "loud" } },
    loud: { entry: emit({ type: "groupSend", group: "room", message: { type: "loud" } }) },
  },
  on: {
    "frame.check": { actions: emit({ type: "reply", value: "checked" }) },
    "frame.tell": { actions: emit({ type: "groupSend", group: "room", message: { type: "told" } }) },
    "frame.mark": { actions: emit({ type: "reply", value: "marked" }) },
    "frame.odd": { actions: () => {} },
  },
});

describe("A frame that a machine has not handled when handlerTimeoutMs ends", () => {
  let runtime: ReturnType<typeof createRuntime>;
  let clock: SimulatedClock;
  let client: Communicator;
  let errors: string[];
  beforeEach(async () => {
    [schemaGate, layerGate, clock, errors] = [gate(), gate(), new SimulatedClock(), []];
    const layers = { chat: new HeldLayer() };
    const onError = (error: unknown) => void (isByMachine(error) || errors.push((error as Error).name));
    runtime = createRuntime({ layers, guards: [], clock, onError }) as never;
    const supervision = { onFailure: "resume" } as const;
    runtime.route(
      machineConsumer(machine, {
        contract: room,
        layer: "chat",
        handlerTimeoutMs: 100,
        supervision,
      }) as never,
    );
    client = communicateWith(runtime, "/room");
    await client.connect();
  });
  afterEach(() => {
    layerGate.open();
    return runtime.close();
  });

  for (const type of ["check", "tell"]) {
    it(`gets \`greenroom.failed\` once, and no late answer (${type})`, async () => {
      client.sendJson({ type, id: 1 });
      client.sendJson({ type: "mark", id: 2 });
      await nextTurn();
      clock.increment(100);
      expect(await client.receiveJson()).to.include({ id: 1, code: "greenroom.failed" });
      expect(await client.receiveJson()).to.deep.equal({ type: "greenroom.reply", id: 2, value: "marked" });
      schemaGate.open();
      layerGate.open();
      await client.receiveNothing();
      expect(errors).to.deep.equal(["HandlerTimeoutError"]);
      expect(runtime.counters().refusedFrames["greenroom.failed"]).to.equal(1);
    });
  }

  // The effect of the delayed transition keeps the frame pending, although the frame has its answer.
  it("gets no second answer because of an effect that it has not caused", async () => {
    client.sendJson({ type: "odd", id: 1 });
    await nextTurn();
    clock.increment(50);
    schemaGate.open();
    expect(await client.receiveJson()).to.include({ id: 1, code: "greenroom.invalid" });
    clock.increment(50);
    await client.receiveNothing();
    expect(errors).to.deep.equal(["RefusedFrameError", "HandlerTimeoutError"]);
  });
});
