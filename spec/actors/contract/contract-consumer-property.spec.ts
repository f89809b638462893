import { type } from "arktype";
import { expect } from "chai";
import fc from "fast-check";
import { contractConsumer, createRuntime, FrameError, frames, type Supervision } from "greenroom";
import { contract } from "greenroom/contract";
import { communicateWith } from "greenroom/testing";
import * as v from "valibot";
import { z } from "zod";
import { nextTurn } from "../../support/next-turn.ts";
import { unlessByMachine } from "../../support/serving.ts";
import { anything, schemaOf } from "./support/schemas.ts";

const ways = ["returns", "resolves", "later", "throws", "rejects", "refuses", "NaN", "bytes"] as const;
type Way = (typeof ways)[number];

/** The way in which the handler ends, and a number. */
const payloads = {
  zod: z.object({ way: z.enum(ways), n: z.number() }),
  zodAsync: z.object({ way: z.enum(ways), n: z.number().refine(async () => true) }),
  valibot: v.object({ way: v.picklist(ways), n: v.number() }),
  valibotAsync: v.objectAsync({
    way: v.picklist(ways),
    n: v.pipeAsync(
      v.number(),
      v.checkAsync(async () => nextTurn().then(() => true)),
    ),
  }),
  arktype: type({ way: type.enumerated(...ways), n: "number" }),
};
/** Schemas that fail for each payload. */
const broken = {
  throws: schemaOf(() => {
    throw new Error("A bug of a schema");
  }),
  rejects: schemaOf(() => nextTurn().then(() => Promise.reject(new Error("A bug of a schema")))),
  garbage: schemaOf(() => 3),
};
const asking = <S>(payload: S) => ({ payload, reply: anything });

const all = contract({
  path: "/all",
  client: {
    zod: asking(payloads.zod),
    zodAsync: asking(payloads.zodAsync),
    valibot: asking(payloads.valibot),
    valibotAsync: asking(payloads.valibotAsync),
    arktype: asking(payloads.arktype),
    throws: asking(broken.throws),
    rejects: asking(broken.rejects),
    garbage: asking(broken.garbage),
    plain: z.looseObject({}) as z.ZodType<object>,
    mark: asking(z.object({})),
  },
  server: {},
});

const end: Readonly<Record<Way, (n: number) => unknown>> = {
  returns: (n) => n,
  resolves: async (n) => n,
  later: (n) => nextTurn().then(() => n),
  throws() {
    throw new Error("A bug of a handler");
  },
  rejects: () => nextTurn().then(() => Promise.reject(new Error("A bug of a handler"))),
  refuses() {
    throw new FrameError("refused", "Refused", { a: 1 });
  },
  NaN: () => Number.NaN,
  bytes: async () => new Uint8Array(1),
};

const run = ({ way, n }: { readonly way: Way; readonly n: number }) => end[way](n);
const never = () => expect.fail("A handler ran for a frame whose schema fails.");

class All extends contractConsumer(all) {
  static override readonly supervision: Supervision = { onFailure: "resume", maxFailures: 1_000_000 };
  static override readonly frames = frames<All>({
    zod: run,
    zodAsync: run,
    valibot: run,
    valibotAsync: run,
    arktype: run,
    throws: never,
    rejects: never,
    garbage: never,
    plain() {},
    mark() {},
  });
  override receiveBinary() {}
}

/** A frame, and the code of its answer: undefined for a reply. */
interface Known {
  readonly text: string;
  readonly code: string | undefined;
}

const codeAfter = (way: Way): string | undefined =>
  way === "refuses"
    ? "refused"
    : ["returns", "resolves", "later"].includes(way)
      ? undefined
      : "greenroom.failed";

const id = fc.oneof(fc.integer(), fc.string({ maxLength: 100 }));
const known: fc.Arbitrary<Known> = fc.oneof(
  fc
    .record({
      type: fc.constantFrom(...Object.keys(payloads)),
      id,
      way: fc.constantFrom(...ways),
      n: fc.integer(),
    })
    .map((frame) => ({ text: JSON.stringify(frame), code: codeAfter(frame.way) })),
  fc
    .record({ type: fc.constantFrom(...Object.keys(payloads)), id, n: fc.jsonValue() })
    .map((frame) => ({ text: JSON.stringify(frame), code: "greenroom.invalid" })),
  fc
    .record({ type: fc.constantFrom(...Object.keys(broken)), id, n: fc.jsonValue() })
    .map((frame) => ({ text: JSON.stringify(frame), code: "greenroom.failed" })),
  fc
    .record({ type: fc.constantFrom("nothing", "__proto__", "constructor", "toString"), id })
    .map((frame) => ({ text: JSON.stringify(frame), code: "greenroom.unknown_type" })),
);

const types = fc.constantFrom(...Object.keys(all.client), "__proto__", "greenroom.reply", "xstate.stop", "");
const hostile = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.json(),
  fc.uint8Array({ maxLength: 20 }),
  fc
    .record(
      { type: types, id: fc.jsonValue(), way: fc.jsonValue(), value: fc.jsonValue() },
      { requiredKeys: [] },
    )
    .map((frame) => JSON.stringify(frame)),
  fc
    .tuple(types, fc.jsonValue())
    .map(([frame, value]) => `{"type":${JSON.stringify(frame)},"__proto__":${JSON.stringify(value)}}`),
);

interface Answer {
  readonly type: string;
  readonly id?: unknown;
  readonly code?: string;
}

describe("A consumer with a contract", () => {
  const stages = new Set<string>();
  const start = () => {
    stages.clear();
    const runtime = createRuntime({
      layers: {},
      guards: [],
      onError: unlessByMachine((_error, { stage }) => stages.add(stage)),
    });
    runtime.route(All);
    return runtime;
  };
  let runtime: ReturnType<typeof start>;
  beforeEach(() => {
    runtime = start();
  });
  afterEach(() => runtime.close());

  /** Sends all frames at once, each followed by a mark. Returns the answers to each frame, by the marks. */
  async function answersTo(given: readonly (string | Uint8Array)[]): Promise<Answer[][]> {
    const refusedBefore = refused();
    const client = communicateWith(runtime, "/all");
    await client.connect();
    for (const [index, frame] of given.entries()) {
      client.send(frame);
      client.sendJson({ type: "mark", id: `mark ${index}` });
    }
    const answers: Answer[][] = [];
    let errors = 0;
    for (let current: Answer[] = []; answers.length < given.length; ) {
      const answer = (await client.receiveJson()) as Answer;
      if (answer.type === "greenroom.error") errors += 1;
      if (answer.id === `mark ${answers.length}`) {
        expect(answer.type).to.equal("greenroom.reply");
        answers.push(current);
        current = [];
      } else current.push(answer);
    }
    await client.receiveNothing();
    expect(client.machine.getSnapshot().matches("joined")).to.equal(true);
    expect(refused() - refusedBefore, "counted refusals").to.equal(errors);
    await client.disconnect();
    return answers;
  }
  const refused = () =>
    Object.values(runtime.counters().refusedFrames).reduce((total, count) => total + count, 0);

  it("answers each frame that asks exactly once, in the order of the frames", async () => {
    const property = fc.asyncProperty(fc.array(known, { minLength: 1, maxLength: 20 }), async (given) => {
      const answers = await answersTo(given.map(({ text }) => text));
      for (const [index, { text, code }] of given.entries()) {
        const [answer, ...more] = answers[index] ?? [];
        expect(more, text).to.deep.equal([]);
        expect(answer?.code, text).to.equal(code);
        expect(answer?.type, text).to.equal(code === undefined ? "greenroom.reply" : "greenroom.error");
        expect(answer?.id, text).to.equal((JSON.parse(text) as Answer).id);
      }
    });
    await fc.assert(property, { numRuns: 60 });
    expect([...stages].sort()).to.deep.equal(["frame", "receive"]);
  }).timeout(60_000);

  it("survives any frame: it answers at most once, and the connection stays open", async () => {
    const property = fc.asyncProperty(fc.array(hostile, { minLength: 1, maxLength: 20 }), async (given) => {
      const answers = await answersTo(given);
      for (const [index, frame] of given.entries()) {
        const isSilent = typeof frame !== "string";
        expect(answers[index]?.length, String(frame)).to.be.at.most(isSilent ? 0 : 1);
      }
    });
    await fc.assert(property, { numRuns: 100 });
    for (const stage of stages) expect(stage).to.be.oneOf(["frame", "receive"]);
    expect(Object.getOwnPropertyNames({})).to.deep.equal([]);
    expect({}).not.to.have.property("way");
  }).timeout(60_000);
});
