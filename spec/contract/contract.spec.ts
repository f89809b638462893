import { type } from "arktype";
import { expect } from "chai";
import { type Contract, contract, errorCodes } from "greenroom/contract";
import * as v from "valibot";
import { z } from "zod";

const libraries = {
  zod: { text: z.string(), object: z.object({ text: z.string() }) },
  valibot: { text: v.string(), object: v.object({ text: v.string() }) },
  arktype: { text: type("string"), object: type({ text: "string" }) },
};
const text = z.string();

/** A contract of untyped code. */
const untyped = (options: object) => contract(options as never) as Contract;
const errorOf = (options: object) => {
  try {
    untyped(options);
  } catch (error) {
    if (error instanceof TypeError) return error.message;
  }
  return "no TypeError";
};

describe("contract", () => {
  for (const [library, { text, object }] of Object.entries(libraries)) {
    it(`returns the parts that it is given, with schemas of ${library}`, () => {
      const client = { say: object, tag: text, count: { payload: object, reply: text } };
      const server = { said: object, price: text };
      const created = untyped({ path: "/ws/:room", params: object, client, server });
      expect(created).to.deep.equal({ path: "/ws/:room", params: object, client, server });
      expect(created.client).to.equal(client);
      expect(created.server).to.equal(server);
    });
  }

  it("needs neither parameters nor frames", () => {
    expect(contract({ path: "/a", client: {}, server: {} })).to.deep.equal({
      path: "/a",
      params: undefined,
      client: {},
      server: {},
    });
  });

  const longest = "a".repeat(99);
  for (const name of ["say", "a.b-c_D9", "greenroom", "greenroomx.y", "constructor", "toString", longest]) {
    it(`accepts the type ${JSON.stringify(name).slice(0, 20)}`, () => {
      untyped({ path: "/a", client: { [name]: text }, server: { [name]: text } });
    });
  }

  for (const name of [
    "",
    "two words",
    "a*",
    "a/b",
    "é",
    "a\n",
    `${longest}a`,
    "greenroom.",
    "greenroom.reply",
  ]) {
    it(`refuses the type ${JSON.stringify(name).slice(0, 20)} of both sides, and names it`, () => {
      const refusal = `"${name}" cannot be the type of a frame: use 1 to 99 letters`;
      expect(errorOf({ path: "/a", client: { [name]: text }, server: {} })).to.contain(refusal);
      expect(errorOf({ path: "/a", client: {}, server: { [name]: text } })).to.contain(refusal);
    });
  }

  it("keeps the type __proto__ as a frame, and sets no prototype", () => {
    const frames = { ["__proto__"]: text };
    const { client } = untyped({ path: "/a", client: frames, server: frames });
    expect(Object.entries(client as object)).to.deep.equal([["__proto__", text]]);
    expect(Object.getPrototypeOf(client)).to.equal(Object.prototype);
  });

  const jsonSchema = { type: "object", properties: {} };
  const halfStandard = { "~standard": { version: 1, vendor: "own" } };
  for (const [name, frame] of Object.entries({
    undefined: undefined,
    null: null,
    "a text": "string",
    "a function": () => true,
    "an object": {},
    "a JSON Schema": jsonSchema,
    "a schema without a validation": halfStandard,
  })) {
    it(`refuses ${name} in the place of a schema, and names the frame`, () => {
      const refusal = 'A schema of "say" does not speak Standard Schema: use zod ≥ 3.24';
      expect(errorOf({ path: "/a", client: { say: frame }, server: {} })).to.contain(refusal);
      expect(errorOf({ path: "/a", client: {}, server: { say: frame } })).to.contain(refusal);
      const asking = { payload: text, reply: frame };
      expect(errorOf({ path: "/a", client: { say: asking }, server: {} })).to.contain(refusal);
      if (frame !== undefined)
        expect(errorOf({ path: "/a", params: frame, client: {}, server: {} })).to.contain(
          "of the parameters",
        );
      const replying = { payload: frame, reply: text };
      expect(errorOf({ path: "/a", client: { say: replying }, server: {} })).to.contain(refusal);
    });
  }

  it("refuses a frame of the server that asks", () => {
    const server = { say: { payload: text, reply: text } };
    expect(errorOf({ path: "/a", client: {}, server })).to.contain('A schema of "say"');
  });
});

describe("errorCodes", () => {
  it("begin with the prefix of the protocol, which no frame of an application has", () => {
    expect(errorCodes.filter((code) => !code.startsWith("greenroom."))).to.deep.equal([]);
    for (const code of errorCodes)
      expect(errorOf({ path: "/a", client: { [code]: text }, server: {} })).to.contain(code);
  });
});
