import { expect } from "chai";
import { createReporter } from "../../layers/error-reporter.ts";
import { stackOf, textOf } from "../../layers/errors.ts";
import { keepWarnings } from "./support/warnings.ts";

const fail = (): never => {
  throw new Error("shown never");
};

/** What may be thrown by somebody who means harm, or by accident. */
const evil: Readonly<Record<string, unknown>> = {
  "a message that is missing": Object.assign(new Error(), { message: undefined }),
  "a message that is a symbol": Object.assign(new Error(), { message: Symbol("evil") }),
  "a message that is an object without a text": Object.assign(new Error(), { message: Object.create(null) }),
  "a message that throws": Object.defineProperty(new Error(), "message", { get: fail }),
  "a stack that throws": Object.defineProperty(new Error("text"), "stack", { get: fail }),
  "a stack that is none": Object.assign(new Error("text"), { stack: 7 }),
  "a proxy that throws": new Proxy(new Error(), { get: fail, getPrototypeOf: fail }),
  "an object without a text": Object.create(null),
  "a text that throws": { toString: fail },
  nothing: undefined,
  "a symbol": Symbol("evil"),
};

describe("what an error says", () => {
  const kept = keepWarnings();

  for (const [what, error] of Object.entries(evil)) {
    it(`is a text, and no exception, for ${what}`, () => {
      expect(textOf(error)).to.be.a("string");
      expect(["string", "undefined"]).to.include(typeof stackOf(error));
      createReporter(() => undefined)(error, { stage: "spec" });
      createReporter(() => () => {
        throw error;
      })(new Error("reported"), { stage: "spec" });
      expect(kept.warnings).to.have.length(2);
    });
  }

  it("is its message, or the thing itself as a text", () => {
    expect([new Error("text"), "text", 7, null].map(textOf)).to.deep.equal(["text", "text", "7", "null"]);
    expect(stackOf(new Error("text"))).to.match(/^Error: text\n/);
  });
});
