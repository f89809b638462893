import { expect } from "chai";
import { createReporter } from "../../layers/error-reporter.ts";
import { stackOf, textOf } from "../../layers/errors.ts";
import { keepWarnings } from "./support/warnings.ts";

const fail = (): never => {
  throw new Error("never shown");
};

/** Thrown values that are hostile or malformed. */
const evil: Readonly<Record<string, unknown>> = {
  "an undefined message": Object.assign(new Error(), { message: undefined }),
  "a symbol as message": Object.assign(new Error(), { message: Symbol("evil") }),
  "an object without toString as message": Object.assign(new Error(), { message: Object.create(null) }),
  "a message that throws": Object.defineProperty(new Error(), "message", { get: fail }),
  "a stack that throws": Object.defineProperty(new Error("text"), "stack", { get: fail }),
  "a number as stack": Object.assign(new Error("text"), { stack: 7 }),
  "a proxy that throws": new Proxy(new Error(), { get: fail, getPrototypeOf: fail }),
  "an object without toString": Object.create(null),
  "a toString that throws": { toString: fail },
  undefined,
  "a symbol": Symbol("evil"),
};

describe("textOf and stackOf", () => {
  const kept = keepWarnings();

  for (const [name, error] of Object.entries(evil)) {
    it(`return text and never throw for ${name}`, () => {
      expect(textOf(error)).to.be.a("string");
      expect(["string", "undefined"]).to.include(typeof stackOf(error));
      createReporter(() => undefined)(error, { stage: "spec" });
      createReporter(() => () => {
        throw error;
      })(new Error("reported"), { stage: "spec" });
      expect(kept.warnings).to.have.length(2);
    });
  }

  it("return the message or the value as text, and the stack", () => {
    expect([new Error("text"), "text", 7, null].map(textOf)).to.deep.equal(["text", "text", "7", "null"]);
    expect(stackOf(new Error("text"))).to.match(/^Error: text\n/);
  });
});
