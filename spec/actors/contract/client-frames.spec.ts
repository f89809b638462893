import { type } from "arktype";
import { expect } from "chai";
import { contract, type Schema } from "greenroom/contract";
import * as v from "valibot";
import { SimulatedClock } from "xstate";
import { z } from "zod";
import { type CheckedFrame, ClientFrames } from "../../../actors/contract/client-frames.ts";
import { FrameRefusal } from "../../../actors/frame-refusal.ts";
import { gate } from "../../support/gate.ts";
import { nextTurn } from "../../support/next-turn.ts";
import { anything, schemaOf, throwing } from "./support/schemas.ts";

const clock = new SimulatedClock();
const deadline = { clock, timeoutMs: 100 };

/** Checks a frame `do` with the payload schema `payload`. With `asks`, the frame has a reply. */
function check(payload: Schema, frame: object, asks = false) {
  const client = { do: asks ? { payload, reply: anything } : payload };
  const { client: frames } = { client } as { client: Record<string, Schema> };
  const checked = ClientFrames.of(contract({ path: "/", client: frames, server: {} }));
  return checked.check({ type: "do", ...frame }, deadline);
}
const refusalOf = async (checked: unknown): Promise<FrameRefusal> => {
  const refusal = await checked;
  expect(refusal).to.be.instanceOf(FrameRefusal);
  return refusal as FrameRefusal;
};
const payloadOf = async (checked: unknown) => ((await checked) as CheckedFrame).payload;

describe("ClientFrames.check", () => {
  it("gives the payload without the type, and without the id of a frame that asks", async () => {
    expect(check(anything, { id: 1, a: 2 })).to.deep.equal({
      type: "do",
      asks: false,
      id: undefined,
      payload: { id: 1, a: 2 },
    });
    const asking = { type: "do", asks: true, payload: { a: 2 } };
    expect(check(anything, { id: 1, a: 2 }, true)).to.deep.equal({ ...asking, id: 1 });
    expect(check(anything, { a: 2 }, true)).to.deep.equal({ ...asking, id: undefined });
  });

  it("keeps `__proto__` as an ordinary property of the payload", async () => {
    const frame = JSON.parse('{"type":"do","id":1,"__proto__":{"admin":true},"toString":"x"}') as object;
    for (const asks of [true, false]) {
      const payload = (await payloadOf(check(anything, frame, asks))) as object;
      expect(Object.getPrototypeOf(payload)).to.equal(Object.prototype);
      expect(Object.keys(payload)).to.include.members(["__proto__", "toString"]);
      expect(payload).not.to.have.property("admin");
    }
  });

  it("passes on what the schema gives, such as a transformed value", async () => {
    expect(await payloadOf(check(z.object({ a: z.string().transform(Number) }), { a: "4" }))).to.deep.equal({
      a: 4,
    });
    expect(
      await payloadOf(
        check(
          schemaOf(() => ({ value: undefined })),
          {},
        ),
      ),
    ).to.equal(undefined);
  });

  it("takes a payload that is not an object from `value`", async () => {
    for (const schema of [z.number(), z.number().refine(async () => true)])
      expect(await payloadOf(check(schema, { value: 4 }))).to.equal(4);
    for (const schema of [
      type("number") as unknown as Schema,
      v.number(),
      v.pipeAsync(
        v.number(),
        v.checkAsync(async () => true),
      ),
    ])
      expect(await payloadOf(check(schema, { value: 4 }))).to.equal(4);
    expect(
      await payloadOf(check(type("string[]") as unknown as Schema, { value: ["a"] }, true)),
    ).to.deep.equal(["a"]);
    expect(await payloadOf(check(z.array(z.number()), { value: [4] }, true))).to.deep.equal([4]);
    expect(await payloadOf(check(z.null(), { value: null }))).to.equal(null);
    expect(await payloadOf(check(z.object({ value: z.number() }), { value: 4 }))).to.deep.equal({ value: 4 });
    const { issues } = await refusalOf(check(z.number(), { value: "4" }));
    expect(issues?.[0]?.message).to.include("received string");
  });

  it("takes an object or another value, with a schema of both, and names what is missing", async () => {
    const either = [
      z.union([z.number(), z.object({ a: z.string() })]),
      v.union([v.number(), v.object({ a: v.string() })]),
      type("number").or({ a: "string" }) as unknown as Schema,
    ];
    for (const schema of either) {
      expect(await payloadOf(check(schema, { value: 4 }))).to.equal(4);
      expect(await payloadOf(check(schema, { a: "x" }))).to.deep.equal({ a: "x" });
      expect((await refusalOf(check(schema, { value: "x" }))).code).to.equal("greenroom.invalid");
    }
    const { issues } = await refusalOf(check(z.object({ a: z.string() }), { value: 4 }));
    expect(issues?.map(({ path }) => path)).to.deep.equal([["a"]]);
  });

  it("does not take `value` beside other properties, or if a part of the object does not fit", async () => {
    expect((await refusalOf(check(z.number(), { value: 4, more: 1 }))).code).to.equal("greenroom.invalid");
    expect((await refusalOf(check(z.number(), { other: 4 }))).code).to.equal("greenroom.invalid");
    const calls: unknown[] = [];
    const partly = schemaOf((value) => {
      calls.push(value);
      return { issues: [{ message: "m", path: ["value"] }] };
    });
    await refusalOf(check(partly, { value: 4 }));
    expect(calls).to.deep.equal([{ value: 4 }]);
  });

  it("refuses unknown types, also names of Object.prototype", async () => {
    for (const type of ["other", "__proto__", "constructor", "toString", "hasOwnProperty"]) {
      const refusal = await refusalOf(check(anything, { type, id: 3 }));
      expect(refusal).to.include({ code: "greenroom.unknown_type", id: 3 });
      expect(refusal.expected).to.deep.equal(["do"]);
    }
  });

  it("refuses a wrong id of a frame that asks, and does not run the schema", async () => {
    const schema = schemaOf(() => expect.fail("was run"));
    for (const id of [null, undefined, true, {}, [], "a".repeat(101)]) {
      const refusal = await refusalOf(check(schema, { id }, true));
      expect(refusal).to.include({ code: "greenroom.bad_frame", id: undefined });
    }
  });

  it("refuses a payload that does not fit, with the id of a frame that asks only", async () => {
    const schema = z.object({ a: z.object({ b: z.string() }) });
    const frame = { id: 7, a: { b: 1 } };
    const refusal = await refusalOf(check(schema, frame, true));
    expect(refusal).to.include({ code: "greenroom.invalid", id: 7, cause: undefined });
    expect(refusal.message).to.match(/^The payload of "do" is not valid: a\.b: /);
    expect(refusal.issues?.map(({ path }) => path)).to.deep.equal([["a", "b"]]);
    expect((await refusalOf(check(schema, frame))).id).to.equal(undefined);
  });

  it("limits the length of a message, although the client chooses the keys", async () => {
    const keys = Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`k${index}`.repeat(12), 1]));
    const refusal = await refusalOf(check(z.strictObject({}), { ...keys }));
    expect(refusal.issues).to.have.length(1);
    const issues = Array.from({ length: 30 }, () => ({ message: "m".repeat(500), path: ["k".repeat(500)] }));
    const long = await refusalOf(
      check(
        schemaOf(() => ({ issues })),
        {},
      ),
    );
    expect(long.message.length).to.be.below(1_100);
    expect(JSON.stringify(long.issues).length).to.be.below(5_000);
  });

  const failures: Readonly<Record<string, Schema>> = {
    throws: schemaOf(() => {
      throw new Error("A bug");
    }),
    rejects: schemaOf(() => Promise.reject(new Error("A bug"))),
    "returns garbage": schemaOf(() => "A bug"),
    "resolves with garbage": schemaOf(async () => null),
    "returns an issue that throws": schemaOf(() => ({ issues: [throwing("path")] })),
    "returns a thenable that throws": schemaOf(() => throwing("then")),
    "throws for the value only": schemaOf((value) => {
      if (typeof value === "object") return { issues: [{ message: "m" }] };
      throw new Error("A bug");
    }),
  };
  for (const [name, schema] of Object.entries(failures))
    it(`refuses a frame with \`greenroom.failed\` if the schema ${name}`, async () => {
      const refusal = await refusalOf(check(schema, { id: 1, value: 2 }, true));
      expect(refusal).to.include({ code: "greenroom.failed", id: 1, issues: undefined });
      expect(refusal.message).to.equal('The server could not check the frame "do".');
      expect(refusal.cause).to.be.instanceOf(Error);
    });

  it("refuses a frame whose schema has not settled in time, and ignores the late result", async () => {
    for (const isRejected of [true, false]) {
      const { opened, open, fail } = gate();
      const checked = check(
        schemaOf(() => opened),
        { id: 1 },
        true,
      );
      clock.increment(100);
      const refusal = await refusalOf(checked);
      expect(refusal).to.include({ code: "greenroom.failed", id: 1 });
      expect(String(refusal.cause)).to.include("had not settled after 100 ms");
      if (isRejected) fail(new Error("Late"));
      else open();
      await nextTurn();
      expect(await checked).to.equal(refusal);
    }
  });

  it("gives the allowed id of a frame that asks, and of no other frame", () => {
    const asking = { payload: anything, reply: anything };
    const both = ClientFrames.of(
      contract({ path: "/", client: { ask: asking, tell: anything }, server: {} }),
    );
    expect(both.idOf({ type: "ask", id: 1 })).to.equal(1);
    expect(both.idOf({ type: "ask", id: {} })).to.equal(undefined);
    expect(both.idOf({ type: "tell", id: 1 })).to.equal(undefined);
    expect(both.idOf({ type: "other", id: 1 })).to.equal(undefined);
  });

  it("keeps one table for each contract", () => {
    const one = contract({ path: "/", client: { b: anything, a: anything }, server: {} });
    expect(ClientFrames.of(one)).to.equal(ClientFrames.of(one));
    expect(ClientFrames.of(one).types).to.deep.equal(["a", "b"]);
    const other = contract({ path: "/", client: {}, server: {} });
    expect(ClientFrames.of(other)).not.to.equal(ClientFrames.of(one));
  });
});
