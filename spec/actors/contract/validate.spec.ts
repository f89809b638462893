import { type } from "arktype";
import { expect } from "chai";
import * as v from "valibot";
import { z } from "zod";
import { validate } from "../../../actors/contract/validate.ts";
import type { Schema } from "../../../contract/index.ts";
import { schemaOf, thenableOf, throwing } from "./support/schemas.ts";

const returning = (result: unknown) =>
  validate(
    schemaOf(() => result),
    1,
  );
const issuesOf = (...issues: readonly unknown[]) => {
  const outcome = returning({ issues });
  return "issues" in outcome ? (outcome.issues ?? []) : [];
};
/** The paths of the issues of a schema. */
const pathsOf = (schema: Schema, value: unknown) => {
  const outcome = validate(schema, value);
  return "issues" in outcome ? outcome.issues?.map(({ path }) => path) : undefined;
};

describe("validate", () => {
  it("gives the value, also an undefined one", () => {
    expect(returning({ value: 2 })).to.deep.equal({ value: 2 });
    expect(returning({ value: undefined })).to.deep.equal({ value: undefined });
    expect(returning({ value: 2, issues: undefined })).to.deep.equal({ value: 2 });
  });

  it("does not follow a value that is a thenable", async () => {
    const thenable = thenableOf(() => expect.fail("was awaited"));
    expect(returning({ value: thenable })).to.deep.equal({ value: thenable });
    expect(await returning(Promise.resolve({ value: 3 }))).to.deep.equal({ value: 3 });
  });

  for (const [name, schema] of Object.entries({
    zod: z.object({ list: z.array(z.object({ a: z.string() })) }) as Schema,
    valibot: v.object({ list: v.array(v.object({ a: v.string() })) }) as Schema,
    arktype: type({ list: type({ a: "string" }).array() }) as unknown as Schema,
  })) {
    it(`lists the issues of ${name}, at most 20`, () => {
      expect(pathsOf(schema, { list: [{ a: "x" }, { a: 1 }] })).to.deep.equal([["list", 1, "a"]]);
      expect(pathsOf(schema, { list: Array(3_000).fill({ a: 1 }) })).to.have.length(20);
      expect(pathsOf(schema, { list: [] })).to.equal(undefined);
    });
  }

  const garbage: Readonly<Record<string, unknown>> = {
    undefined,
    null: null,
    "a text": "ok",
    true: true,
    "an object without a value": {},
    "an empty list of issues": { issues: [] },
    "issues that are not a list": { issues: "bad", value: 1 },
    "a function": () => {},
    "a symbol": Symbol("x"),
    "an object that cannot be shown": Object.create(null),
  };
  for (const [name, result] of Object.entries(garbage))
    it(`throws for ${name}`, async () => {
      expect(() => returning(result)).to.throw(TypeError, "A schema must return a value or a list of issues");
      const error = await Promise.resolve(returning(Promise.resolve(result))).catch((thrown) => thrown);
      expect(error).to.be.instanceOf(TypeError);
    });

  it("throws what the schema and its getters throw", async () => {
    const fail = () => {
      throw new Error("A bug");
    };
    expect(() => validate(schemaOf(fail), 1)).to.throw("A bug");
    for (const result of [throwing("then"), throwing("issues"), throwing("value")])
      expect(() => returning(result)).to.throw("Reading");
    for (const issue of [throwing("message"), throwing("path"), { path: [throwing("key")], message: "" }])
      expect(() => issuesOf(issue)).to.throw("Reading");
    const rejected = await Promise.resolve(returning(thenableOf(fail))).catch((error: unknown) => error);
    expect(String(rejected)).to.equal("Error: A bug");
  });

  it("gives an empty path for the payload itself, with each library", () => {
    for (const schema of [z.number(), v.number(), type("number")] as unknown as Schema[])
      expect(pathsOf(schema, "x")).to.deep.equal([[]]);
  });

  it("gives texts and finite numbers as paths, which JSON can hold", () => {
    const path = [
      0,
      "a",
      Symbol("s"),
      5n,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      null,
      { key: 2 },
      { key: Symbol("k") },
    ];
    const [issue] = issuesOf({ message: "m", path });
    expect(issue?.path).to.deep.equal([0, "a", "Symbol(s)", "5", "NaN", "Infinity", "null", 2, "Symbol(k)"]);
    expect(JSON.parse(JSON.stringify(issue?.path))).to.deep.equal(issue?.path);
  });

  it("replaces odd paths and messages", () => {
    expect(issuesOf({ message: "m" }, { message: "m", path: "a.b" }, null, "text")).to.deep.equal([
      { path: [], message: "m" },
      { path: [], message: "m" },
      { path: [], message: "undefined" },
      { path: [], message: "undefined" },
    ]);
    expect(issuesOf({ message: Symbol("m") })).to.deep.equal([{ path: [], message: "Symbol(m)" }]);
  });

  it("shortens long messages, keys and paths", () => {
    const long = "x".repeat(65_536);
    const [issue] = issuesOf({ message: long, path: [long, ...Array(30).fill(1)] });
    expect(issue?.message).to.equal(`${"x".repeat(200)}…`);
    expect(issue?.path).to.have.length(20);
    expect(issue?.path[0]).to.equal(`${"x".repeat(200)}…`);
    expect(issuesOf({ message: "x".repeat(200) })[0]?.message).to.equal("x".repeat(200));
  });

  it("limits the length of all issues together, but keeps the first one", () => {
    const long = { message: "m", path: Array(19).fill("k".repeat(200)) };
    expect(issuesOf(...Array(20).fill(long))).to.have.length(1);
    const short = { message: "m".repeat(200), path: ["k".repeat(100)] };
    expect(issuesOf(...Array(20).fill(short))).to.have.length(13);
    const deepest = { message: "m".repeat(200), path: Array(20).fill("k".repeat(200)) };
    expect(issuesOf(deepest, { message: "m" })).to.have.length(1);
  });
});
