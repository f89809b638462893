import { type } from "arktype";
import { expect } from "chai";
import fc from "fast-check";
import { createRuntime, machineConsumer } from "greenroom";
import { contract } from "greenroom/contract";
import { communicateWith } from "greenroom/testing";
import * as v from "valibot";
import { type AnyStateMachine, createMachine, emit } from "xstate";
import { z } from "zod";
import { nextTurn } from "../../support/next-turn.ts";
import { unlessByMachine } from "../../support/serving.ts";
import { anything, schemaOf } from "../contract/support/schemas.ts";

const all = contract({
  path: "/all",
  client: {
    zod: z.object({ n: z.number() }),
    zodAsync: z.object({ n: z.number().refine(async () => true) }),
    valibot: v.object({ n: v.number() }),
    arktype: type({ n: "number" }),
    throws: schemaOf(() => {
      throw new Error("A bug of a schema");
    }),
    rejects: schemaOf(() => nextTurn().then(() => Promise.reject(new Error("A bug of a schema")))),
    garbage: schemaOf(() => 3),
    anything,
    refused: { payload: anything, reply: anything },
    closed: anything,
    mark: { payload: z.object({}), reply: anything },
  },
  server: {},
});

const taken = { actions: () => {} };

/** It takes each frame but `closed`. */
const machine = createMachine({
  initial: "open",
  on: {
    "frame.zod": taken,
    "frame.zodAsync": taken,
    "frame.valibot": taken,
    "frame.arktype": taken,
    "frame.throws": taken,
    "frame.rejects": taken,
    "frame.garbage": taken,
    "frame.anything": taken,
    "frame.refused": { actions: emit({ type: "refuse", code: "refused", message: "Refused" }) },
    "frame.mark": { actions: emit({ type: "reply", value: "marked" }) },
    binary: taken,
  },
  states: { open: {}, other: { on: { "frame.closed": taken } } },
} as never) as AnyStateMachine;

const types = fc.constantFrom(
  ...Object.keys(all.client).filter((name) => name !== "mark"),
  ..."__proto__,constructor,toString,greenroom.reply,xstate.stop,disconnect,frame.zod,message.zod".split(","),
);
const id = fc.oneof(fc.integer(), fc.string({ maxLength: 101 }), fc.jsonValue());
const hostile = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.json(),
  fc.uint8Array({ maxLength: 20 }),
  fc
    .record({ type: types, id, n: fc.oneof(fc.integer(), fc.jsonValue()) }, { requiredKeys: ["type"] })
    .map((frame) => JSON.stringify(frame)),
  fc
    .tuple(types, fc.jsonValue())
    .map(([name, value]) => `{"type":${JSON.stringify(name)},"__proto__":${JSON.stringify(value)},"n":1}`),
);

interface Answer {
  readonly type: string;
  readonly id?: unknown;
}

describe("A machine with a contract", () => {
  it("survives any frame: it answers at most once, counts each refusal, and stays open", async () => {
    const stages = new Set<string>();
    await using runtime = createRuntime({
      onError: unlessByMachine((_error, { stage }) => stages.add(stage)),
    });
    runtime.route(machineConsumer(machine, { contract: all }));
    const refused = () => Object.values(runtime.counters().refusedFrames).reduce((sum, n) => sum + n, 0);
    const property = fc.asyncProperty(fc.array(hostile, { minLength: 1, maxLength: 20 }), async (given) => {
      const before = refused();
      const client = communicateWith(runtime, "/all");
      await client.connect();
      let errors = 0;
      for (const [index, frame] of given.entries()) {
        client.send(frame);
        client.sendJson({ type: "mark", id: `mark ${index}` });
        const answers: Answer[] = [];
        let answer = (await client.receiveJson()) as Answer;
        for (; answer.id !== `mark ${index}`; answer = (await client.receiveJson()) as Answer)
          answers.push(answer);
        expect(answer.type).to.equal("greenroom.reply");
        expect(answers.length, String(frame)).to.be.at.most(typeof frame === "string" ? 1 : 0);
        for (const each of answers) expect(each.type).to.equal("greenroom.error");
        errors += answers.length;
      }
      await client.receiveNothing();
      expect(client.machine.getSnapshot().matches("joined")).to.equal(true);
      expect(refused() - before, "counted refusals").to.equal(errors);
      await client.disconnect();
    });
    await fc.assert(property, { numRuns: 100 });
    expect([...stages]).to.deep.equal(["frame"]);
    expect({}).not.to.have.property("n");
  }).timeout(60_000);
});
